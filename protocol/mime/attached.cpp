#include "protocol/mime/attached.hpp"

#include "protocol/smtp/grammar.hpp"

#include <utility>

namespace postern::protocol::mime {
namespace {

std::string_view type_of(tnef_data what) {
    switch (what) {
    case tnef_data::file: return {};
    case tnef_data::text: return "text/plain";
    case tnef_data::html: return "text/html";
    case tnef_data::rtf: return "text/rtf";
    }
    return {};
}

std::string_view name_of(text_encoding how) {
    switch (how) {
    case text_encoding::uuencode: return "uuencode";
    case text_encoding::base64: return "base64";
    case text_encoding::yenc: return "yenc";
    }
    return {};
}

} // namespace

void text_files::file_begins(text_encoding how, std::string_view name) {
    const bool yenc = how == text_encoding::yenc;
    shared_.report(id_, yenc ? finding::yenc : finding::uuencoded);
    part begun;
    begun.parent = id_;
    begun.kind = part_kind::embedded;
    begun.depth = depth_ + 1;
    begun.encoding = name_of(how);
    file_ = shared_.begin(begun);
    if (file_ == 0 || name.empty()) return;
    shared_.tell_names(file_, yenc ? name_source::yenc : name_source::uuencode, name, names_);
}

void text_files::file_octets(std::string_view decoded) {
    if (file_ != 0) shared_.told().octets(file_, decoded);
}

void text_files::file_ends() {
    if (file_ != 0) shared_.told().end_part(file_);
    file_ = 0;
}

tnef_files::~tnef_files() {
    if (message_) shared_.end_reading();
}

void tnef_files::feed(std::string_view octets) {
    if (shared_.given_up()) return;
    shared_.work(octets.size() * 2);
    reader_.feed(octets, *this);
}

void tnef_files::end() {
    reader_.finish(*this);
    end_attachment();
    if (reader_.malformed()) shared_.report(entity_, finding::bad_tnef);
}

std::unique_ptr<sink> tnef_files::begin_part(part_id alternative_of, std::string_view type, part_id& id) {
    part begun;
    begun.parent = id_;
    begun.alternative_of = alternative_of;
    begun.kind = part_kind::embedded;
    begun.depth = depth_ + 1;
    begun.type = type;
    begun.encoding = "tnef";
    id = shared_.begin(begun);
    if (id == 0) return nullptr;
    return make_leaf(shared_, id, id, {}, depth_ + 1);
}

bool tnef_files::begin_attachment() {
    if (attachment_ == 0) file_ = begin_part(0, {}, attachment_);
    return attachment_ != 0;
}

void tnef_files::end_attachment() {
    if (message_) {
        message_->end();
        message_.reset();
        shared_.end_reading();
    }
    if (file_) file_->end();
    file_.reset();
    attachment_ = 0;
    has_data_ = is_message_ = false;
}

void tnef_files::attachment_name(std::string_view raw) {
    if (raw.empty() || !begin_attachment()) return;
    shared_.tell_names(attachment_, name_source::tnef, raw, names_);
    is_message_ = is_message_ || to_lower(raw).ends_with(".eml");
}

void tnef_files::data_begins(tnef_data what) {
    data_ = nullptr;
    if (shared_.given_up()) return;
    part_id id = 0;
    if (what != tnef_data::file) {
        other_ = begin_part(0, type_of(what), id);
        data_ = other_.get();
        if (data_ != nullptr && what == tnef_data::rtf) rtf_ = std::make_unique<rtf_decoder>();
    } else if (begin_attachment() && has_data_) { // two files by one name: readers take either
        shared_.report(attachment_, finding::several_readings);
        other_ = begin_part(attachment_, {}, id);
        data_ = other_.get();
    } else {
        has_data_ = true;
        data_ = file_.get();
        if (is_message_ && file_) begin_message();
    }
}

void tnef_files::begin_message() {
    if (depth_ + 1 >= shared_.bounds().depth) return shared_.report(attachment_, finding::too_deep);
    if (!shared_.begin_reading(attachment_)) return;
    message_ = make_entity(shared_, attachment_, depth_ + 2, default_type::text);
}

void tnef_files::data_octets(std::string_view octets) {
    if (data_ == nullptr) return;
    if (rtf_) {
        std::string text;
        rtf_->feed(octets, text);
        return data_->feed(text);
    }
    data_->feed(octets);
    if (message_ && data_ == file_.get()) message_->feed(octets);
}

void tnef_files::data_ends() {
    if (rtf_ && rtf_->malformed()) shared_.report(entity_, finding::bad_tnef);
    rtf_.reset();
    data_ = nullptr;
    if (other_) other_->end();
    other_.reset();
}

} // namespace postern::protocol::mime
