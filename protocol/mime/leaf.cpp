// Parts whose octets are told: with a look at their first four, and for uuencoded files in text.
#include "protocol/mime/names.hpp"
#include "protocol/mime/uuencode.hpp"
#include "protocol/mime/walk.hpp"

#include <algorithm>

namespace postern::protocol::mime {
namespace {

constexpr std::string_view tnef_magic = "\x78\x9f\x3e\x22"; // MS-OXTNEF §2.1.3.1

class leaf final : public sink, private uuencode_events {
  public:
    leaf(walk& shared, part_id id, part_id entity, bool text, unsigned depth)
        : shared_(shared), id_(id), entity_(entity), text_(text), depth_(depth) {}

    void feed(std::string_view octets) override {
        if (shared_.given_up() || octets.empty()) return;
        shared_.work(octets.size() * (text_ ? 4 : 1));
        if (start_.size() < tnef_magic.size()) look_at_start(octets);
        shared_.told().octets(id_, octets);
        if (text_) scanner_.feed(octets, *this);
    }
    void end() override {
        if (text_) scanner_.finish(*this);
        shared_.told().end_part(id_);
    }

  private:
    void look_at_start(std::string_view octets) {
        start_ += octets.substr(0, tnef_magic.size() - start_.size());
        if (start_ == tnef_magic) shared_.report(entity_, finding::tnef);
    }
    // Text may name as many files as it has lines.
    void tell_names(part_id id, name_source source, std::string_view raw) {
        if (names_ >= shared_.bounds().names + shared_.bounds().parts)
            return shared_.report(id_, finding::too_many_names);
        ++names_;
        raw = raw.substr(0, shared_.bounds().name_octets);
        shared_.work(raw.size() * 16);
        for (const std::string& one : normalised_names(raw))
            shared_.told().name_of_part(id, {source, raw, one});
    }
    void file_begins(std::string_view raw) override {
        shared_.report(id_, finding::uuencoded);
        part begun;
        begun.parent = id_;
        begun.kind = part_kind::uuencoded;
        begun.depth = depth_ + 1;
        begun.encoding = "uuencode";
        file_ = shared_.begin(begun);
        if (file_ != 0) tell_names(file_, name_source::uuencode, raw);
    }
    void file_octets(std::string_view decoded) override {
        if (file_ != 0) shared_.told().octets(file_, decoded);
    }
    void file_ends() override {
        if (file_ != 0) shared_.told().end_part(file_);
        file_ = 0;
    }
    void yenc_begins(std::string_view raw) override {
        shared_.report(id_, finding::yenc);
        tell_names(id_, name_source::yenc, raw);
    }

    walk& shared_;
    part_id id_, entity_, file_ = 0;
    unsigned names_ = 0; // told by the text
    bool text_;
    unsigned depth_;
    std::string start_;
    uuencode_scanner scanner_;
};

class text_beside final : public sink {
  public:
    text_beside(walk& shared, part_kind kind, part_id parent, unsigned depth)
        : shared_(shared), kind_(kind), parent_(parent), depth_(depth) {}

    void feed(std::string_view octets) override {
        if (!text_) {
            octets.remove_prefix(std::min(octets.size(), octets.find_first_not_of("\r\n")));
            if (octets.empty() || shared_.given_up()) return;
            part begun;
            begun.parent = parent_;
            begun.kind = kind_;
            begun.depth = depth_;
            begun.encoding = "identity";
            const auto id = shared_.begin(begun);
            if (id == 0) return;
            text_ = make_leaf(shared_, id, id, true, depth_);
        }
        text_->feed(octets);
    }
    void end() override {
        if (text_) text_->end();
    }

  private:
    walk& shared_;
    part_kind kind_;
    part_id parent_;
    unsigned depth_;
    std::unique_ptr<sink> text_;
};

} // namespace

std::unique_ptr<sink> make_leaf(walk& shared, part_id id, part_id entity, bool text, unsigned depth) {
    return std::make_unique<leaf>(shared, id, entity, text, depth);
}

std::unique_ptr<sink> make_text_beside(walk& shared, part_kind kind, part_id parent, unsigned depth) {
    return std::make_unique<text_beside>(shared, kind, parent, depth);
}

} // namespace postern::protocol::mime
