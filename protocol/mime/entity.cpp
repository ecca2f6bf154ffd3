// A header and, in each way that it can be understood, a body: the ways to undo its encoding times the ways
// to take what comes out.
#include "protocol/mime/facts.hpp"
#include "protocol/mime/walk.hpp"

#include "protocol/smtp/grammar.hpp"

#include <algorithm>
#include <optional>

namespace postern::protocol::mime {
namespace {

struct role {
    part_kind kind = part_kind::leaf;
    std::string boundary; // of a multipart
    bool guessed = false; // no reader is wrong who doesn't take it so
};

bool any_name_ends(const facts& known, std::string_view ending) {
    return std::any_of(known.names.begin(), known.names.end(),
                       [&](const named& one) { return to_lower(one.normalised).ends_with(ending); });
}

std::vector<role> roles_of(const facts& known, default_type fallback) {
    const auto any = [&](auto is) { return std::any_of(known.types.begin(), known.types.end(), is); };
    std::vector<role> roles;
    if (any(is_multipart) || (!known.boundaries.empty() && contains(known.found, finding::malformed_type))) {
        for (const std::string& boundary : known.boundaries)
            roles.push_back({part_kind::multipart, boundary});
        if (known.boundaries.empty()) roles.push_back({part_kind::multipart, {}});
    }
    const bool implied = known.types.empty() && fallback == default_type::message;
    if (any(is_message) || implied)
        roles.push_back({part_kind::message, {}});
    else if (any_name_ends(known, ".eml"))
        roles.push_back({part_kind::message, {}, true}); // clients open such a file as a message
    const bool leaf = any([](std::string_view type) { return !is_multipart(type) && !is_message(type); });
    if (leaf || known.types.empty()) roles.push_back({part_kind::leaf, {}});
    return roles;
}

findings findings_of(const facts& known) {
    findings found = known.found;
    for (const std::string& type : known.types) {
        if (type == "message/partial") add(found, finding::partial_message);
        if (type == "message/external-body") add(found, finding::external_body);
        if (is_tnef(type)) add(found, finding::tnef);
    }
    for (const named& one : known.names)
        if (equals_ignoring_case(one.normalised, "winmail.dat")) add(found, finding::tnef);
    return found;
}

// All readings of one body.
class bodies {
  public:
    bodies(walk& shared, part_id parent, unsigned depth, default_type fallback)
        : shared_(shared), parent_(parent), depth_(depth), fallback_(fallback) {}
    ~bodies() {
        for (; readings_ > 0; --readings_) shared_.end_reading();
    }

    // `beside`: another reading of the same part has begun.
    void open(const facts& known, part_id beside);
    void feed(std::string_view octets);
    void end();
    void open_boundaries(std::vector<std::string>& to) const {
        for (const decoding& one : decodings_)
            for (const auto& sink : one.sinks) sink->open_boundaries(to);
    }
    part_id first() const { return first_; } // 0 if nothing was opened

  private:
    struct decoding {
        transfer_decoder decoder;
        part_id id = 0;
        bool guessed = false; // by its first sink
        std::vector<std::unique_ptr<sink>> sinks;
        void pass(std::string_view octets) {
            for (const auto& one : sinks) one->feed(octets);
        }
    };

    void open_role(const facts& known, const role& as, decoding& into);
    std::unique_ptr<sink> make_sink(const facts& known, const role& as, encoding how, part_id id);
    void tell(const facts& known, part_id id);

    walk& shared_;
    part_id parent_;
    unsigned depth_;
    default_type fallback_;
    part_id first_ = 0, beside_ = 0;
    unsigned readings_ = 0;
    std::vector<decoding> decodings_;
    std::string decoded_;
};

void bodies::open(const facts& known, part_id beside) {
    beside_ = beside;
    auto roles = roles_of(known, fallback_);
    const bool composite = roles.front().kind != part_kind::leaf && !roles.front().guessed;
    if (roles.front().kind != part_kind::leaf && depth_ >= shared_.bounds().depth) {
        shared_.report(parent_, finding::too_deep);
        roles.assign(1, {});
    }
    auto encodings = known.encodings;
    if (composite && std::find(encodings.begin(), encodings.end(), encoding::identity) == encodings.end())
        encodings.push_back(encoding::identity); // RFC 2045 §6.4
    for (const encoding how : encodings) {
        decoding one{transfer_decoder(how), 0, false, {}};
        for (const role& as : roles) open_role(known, as, one);
        if (!one.sinks.empty()) decodings_.push_back(std::move(one));
    }
    if (composite && known.encodings != std::vector{encoding::identity} && first_ != 0)
        shared_.report(first_, finding::encoded_composite);
}

void bodies::open_role(const facts& known, const role& as, decoding& into) {
    const part_id other = first_ != 0 ? first_ : beside_;
    if (shared_.given_up()) return;
    if (first_ != 0) {
        if (!as.guessed && !into.guessed) shared_.report(other, finding::several_readings);
        if (!shared_.begin_reading(other)) return;
        ++readings_;
    }
    part begun;
    begun.parent = parent_;
    begun.alternative_of = other;
    begun.kind = as.kind;
    begun.depth = depth_;
    begun.encoding = name_of(into.decoder.how());
    if (!known.types.empty()) begun.type = known.types.front();
    begun.charset = known.charset;
    const auto id = shared_.begin(begun);
    if (id == 0) return;
    if (first_ == 0) {
        first_ = id;
        tell(known, id);
    }
    if (into.id == 0) {
        into.id = id;
        into.guessed = as.guessed;
    }
    into.sinks.push_back(make_sink(known, as, into.decoder.how(), id));
}

void bodies::tell(const facts& known, part_id id) {
    for (const named& one : known.names)
        shared_.told().name_of_part(id, {one.source, one.raw, one.normalised});
    shared_.report(id, findings_of(known));
    if (beside_ != 0) shared_.report(beside_, finding::several_readings);
}

// A multipart or a message tells its end itself.
class composite_part final : public sink {
  public:
    composite_part(walk& shared, part_id id, std::unique_ptr<sink> inner)
        : shared_(shared), id_(id), inner_(std::move(inner)) {}
    void feed(std::string_view octets) override { inner_->feed(octets); }
    void end() override {
        inner_->end();
        shared_.told().end_part(id_);
    }
    void open_boundaries(std::vector<std::string>& to) const override { inner_->open_boundaries(to); }

  private:
    walk& shared_;
    part_id id_;
    std::unique_ptr<sink> inner_;
};

std::unique_ptr<sink> bodies::make_sink(const facts& known, const role& as, encoding how, part_id id) {
    const auto is_text = [](std::string_view type) { return type.starts_with("text"); };
    const auto any = [&](auto is) { return std::any_of(known.types.begin(), known.types.end(), is); };
    switch (as.kind) {
    case part_kind::multipart: {
        const bool digest = any([](std::string_view type) { return type == "multipart/digest"; });
        const auto of_parts = digest ? default_type::message : default_type::text;
        return std::make_unique<composite_part>(shared_, id,
                                                make_multipart(shared_, id, as.boundary, depth_, of_parts));
    }
    case part_kind::message:
        return std::make_unique<composite_part>(shared_, id,
                                                make_entity(shared_, id, depth_ + 1, default_type::text));
    case part_kind::leaf:
    case part_kind::preamble:
    case part_kind::epilogue:
    case part_kind::embedded: break;
    }
    leaf_hints hints;
    hints.text = how != encoding::base64 || known.types.empty() || any(is_text);
    hints.tnef = contains(findings_of(known), finding::tnef);
    return make_leaf(shared_, id, first_, hints, depth_);
}

void bodies::feed(std::string_view octets) {
    for (decoding& one : decodings_) {
        if (one.decoder.how() == encoding::identity) {
            one.pass(octets);
            continue;
        }
        shared_.work(octets.size() * 2);
        if (shared_.given_up()) return;
        decoded_.clear();
        one.decoder.feed(octets, decoded_);
        one.pass(decoded_);
    }
}

void bodies::end() {
    for (decoding& one : decodings_) {
        decoded_.clear();
        one.decoder.finish(decoded_);
        one.pass(decoded_);
        if (one.decoder.faulty())
            shared_.report(one.id, one.decoder.how() == encoding::base64 ? finding::bad_base64
                                                                         : finding::bad_quoted_printable);
        for (const auto& sink : one.sinks) sink->end();
    }
}

class entity final : public sink {
  public:
    entity(walk& shared, part_id parent, unsigned depth, default_type fallback)
        : shared_(shared), parent_(parent), depth_(depth), fallback_(fallback),
          header_(std::in_place, shared.bounds().header_octets) {}
    ~entity() override {
        for (std::size_t i = 0; i < early_.size(); ++i) shared_.end_reading();
    }

    void feed(std::string_view octets) override {
        while (header_ && !octets.empty() && !shared_.given_up()) feed_header(octets);
        if (octets.empty() || shared_.given_up()) return;
        for (const auto& one : early_) one->feed(octets);
        if (body_) body_->feed(octets);
    }
    void end() override {
        if (header_ && !shared_.given_up()) {
            header_->finish();
            begin_body();
        }
        for (const auto& one : early_) one->end();
        if (body_) body_->end();
    }
    void open_boundaries(std::vector<std::string>& to) const override {
        for (const auto& one : early_) one->open_boundaries(to);
        if (body_) body_->open_boundaries(to);
    }

  private:
    void feed_header(std::string_view& octets);
    void begin_body();
    void begin_early_body(std::string_view first_line);
    facts facts_of(const std::vector<field>& fields);

    walk& shared_;
    part_id parent_;
    unsigned depth_;
    default_type fallback_;
    std::optional<header_section> header_; // until the body begins for all
    std::unique_ptr<bodies> body_;
    std::vector<std::unique_ptr<bodies>> early_; // for those whose header ended at a line that is no field
};

facts entity::facts_of(const std::vector<field>& fields) {
    facts known = read_facts(fields, shared_.bounds());
    known.found |= header_->found();
    shared_.work(known.work);
    return known;
}

void entity::feed_header(std::string_view& octets) {
    const auto before = octets;
    const auto status = header_->feed(octets);
    const auto used = before.substr(0, before.size() - octets.size());
    shared_.work(used.size() * 2);
    for (const auto& one : early_) one->feed(used);
    switch (status) {
    case header_status::need_more: return;
    case header_status::ended: begin_body(); return;
    case header_status::odd_line: begin_early_body(header_->line()); return;
    case header_status::blank: begin_early_body({}); return;
    }
}

void entity::begin_body() {
    const auto known = facts_of(header_->fields());
    body_ = std::make_unique<bodies>(shared_, parent_, depth_, fallback_);
    body_->open(known, early_.empty() ? 0 : early_.front()->first());
    header_.reset();
}

void entity::begin_early_body(std::string_view first_line) {
    const auto known = facts_of(header_->fields_so_far());
    if (!shared_.begin_reading(parent_)) return;
    const auto beside = early_.empty() ? 0 : early_.front()->first();
    early_.push_back(std::make_unique<bodies>(shared_, parent_, depth_, fallback_));
    early_.back()->open(known, beside);
    early_.back()->feed(first_line);
}

} // namespace

std::unique_ptr<sink> make_entity(walk& shared, part_id parent, unsigned depth, default_type what) {
    return std::make_unique<entity>(shared, parent, depth, what);
}

} // namespace postern::protocol::mime
