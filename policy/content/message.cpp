// The visitor of one MIME walk: judges names as they come, gathers the octets of each part, looks at them
// when the part ends, and passes on what test 8 weighs.
#include "policy/content/facts.hpp"
#include "policy/content/gathered.hpp"
#include "policy/content/mime_findings.hpp"
#include "policy/content/piece.hpp"
#include "protocol/mime/walker.hpp"
#include "protocol/smtp/grammar.hpp"

#include <algorithm>
#include <fmt/format.h>
#include <map>
#include <memory>

namespace postern::policy::content {
namespace {

namespace mime = protocol::mime;
using protocol::scan::finding_kind;

constexpr std::size_t names_max = 16; // of a part, that what is within it goes by

std::string_view name_of(mime::part_kind kind) {
    switch (kind) {
    case mime::part_kind::leaf: return "leaf";
    case mime::part_kind::multipart: return "multipart";
    case mime::part_kind::message: return "message";
    case mime::part_kind::preamble: return "preamble";
    case mime::part_kind::epilogue: return "epilogue";
    case mime::part_kind::embedded: return "embedded";
    }
    return {};
}

class parts final : public mime::visitor {
  public:
    parts(look& shared, const piece& around, fact_collector* facts)
        : shared_(shared), around_(around), facts_(facts) {}
    void end_facts() { facts_ = nullptr; }

    void begin_part(const mime::part& begun) override;
    void name_of_part(mime::part_id id, const mime::name& candidate) override;
    void octets(mime::part_id id, std::string_view decoded) override;
    void end_part(mime::part_id id) override;
    void found(mime::part_id id, mime::finding what) override;

  private:
    struct known { // as long as the walk
        mime::part_id parent = 0, of = 0;
        mime::part_kind kind = mime::part_kind::leaf;
        std::vector<std::string> names;
        bool message = false; // it, or another reading of it, is walked as a message
    };
    struct open { // until it ends
        std::string type, encoding;
        unsigned depth = 0;
        std::unique_ptr<gathered> octets;
        bool room = true;
    };
    path around_of(mime::part_id id) const;
    path path_of(mime::part_id id) const;
    const known& named(mime::part_id id) const; // itself, or the reading that has the names
    void look_within(mime::part_id id, const open& one);

    look& shared_;
    const piece& around_;
    fact_collector* facts_;
    std::map<mime::part_id, known> known_;
    std::map<mime::part_id, open> open_;
};

void parts::begin_part(const mime::part& begun) {
    if (facts_ != nullptr) facts_->begin_part(begun);
    auto& one = known_[begun.id];
    one.parent = begun.parent;
    one.of = begun.alternative_of;
    one.kind = begun.kind;
    if (begun.kind == mime::part_kind::message) {
        one.message = true;
        known_[begun.alternative_of == 0 ? begun.id : begun.alternative_of].message = true;
    }
    auto& opened = open_[begun.id];
    opened.type = begun.type;
    opened.encoding = begun.encoding;
    opened.depth = begun.depth;
    if (begun.kind != mime::part_kind::multipart && begun.kind != mime::part_kind::message)
        opened.octets = std::make_unique<gathered>(shared_.folder());
}

const parts::known& parts::named(mime::part_id id) const {
    const known& one = known_.at(id);
    const auto other = known_.find(one.of);
    return one.names.empty() && one.of != 0 && other != known_.end() ? other->second : one;
}

// The named parts around it.
path parts::around_of(mime::part_id id) const {
    std::vector<std::string_view> names;
    for (auto at = known_.find(id); at != known_.end() && at->second.parent != 0;) {
        at = known_.find(at->second.parent);
        if (at == known_.end()) break;
        const known& one = named(at->first);
        if (!one.names.empty()) names.push_back(one.names.front());
    }
    path made = around_.where;
    for (auto name = names.rbegin(); name != names.rend(); ++name) made = made.below(*name);
    return made;
}

path parts::path_of(mime::part_id id) const {
    if (known_.count(id) == 0) return around_.where;
    const known& one = named(id);
    return around_of(id).below(one.names.empty() ? fmt::format("part {}", id) : one.names.front());
}

void parts::name_of_part(mime::part_id id, const mime::name& candidate) {
    auto& names = known_[id].names;
    const std::string name(candidate.normalised);
    if (!name.empty() && names.size() < names_max &&
        std::find(names.begin(), names.end(), name) == names.end())
        names.push_back(name);
    const path around = around_of(id);
    if (shared_.everything())
        shared_.see("name", around, shown(candidate.raw) + " -> " + shown(candidate.normalised));
    shared_.judge_normalised(candidate.normalised, around);
}

void parts::octets(mime::part_id id, std::string_view decoded) {
    if (facts_ != nullptr) facts_->octets(id, decoded);
    const auto one = open_.find(id);
    if (one == open_.end() || !one->second.octets || !one->second.room) return;
    one->second.room = one->second.octets->append(decoded);
    if (!one->second.room) shared_.limit(path_of(id), "room");
}

void parts::end_part(mime::part_id id) {
    if (facts_ != nullptr) facts_->end_part(id);
    const auto at = open_.find(id);
    if (at == open_.end()) return;
    const open one = std::move(at->second);
    open_.erase(at);
    if (shared_.everything())
        shared_.see("part", path_of(id),
                    fmt::format("{} {}, {}, depth {}, {} octets", name_of(known_.at(id).kind),
                                shown(one.type), one.encoding, one.depth,
                                one.octets ? one.octets->size() : 0));
    if (one.octets && one.octets->size() > 0) look_within(id, one);
}

void parts::look_within(mime::part_id id, const open& one) {
    const known& part = named(id);
    piece inner;
    inner.octets = one.octets->octets();
    inner.where = path_of(id);
    inner.names = part.names;
    inner.archives = around_.archives;
    inner.messages = around_.messages;
    inner.of_walk = true;
    const bool file =
        known_.at(id).kind == mime::part_kind::leaf || known_.at(id).kind == mime::part_kind::embedded;
    const bool text = one.type.starts_with("text") || (one.type.empty() && one.encoding == "identity");
    const bool walked = known_.at(id).message || part.message;
    inner.may_be_message = file && !text && !walked;
    if (inner.octets.size() < one.octets->size()) shared_.limit(inner.where, "room");
    look_at(shared_, inner);
}

void parts::found(mime::part_id id, mime::finding what) {
    const auto where = id == 0 ? around_.where : path_of(id);
    const auto name = mime::name_of(what);
    shared_.see("finding", where, std::string(name));
    switch (consequence_of(what)) {
    case consequence::none: return;
    case consequence::malformed: return shared_.add(finding_kind::malformed, where, name);
    case consequence::unreadable: return shared_.add(finding_kind::unreadable, where, name);
    case consequence::limit: return shared_.limit(where, name);
    }
}

} // namespace

namespace {

constexpr unsigned messages_max = 8; // opened, of those that a walk does not know for messages

// `header` comes before the octets of the piece.
void walk_piece(look& shared, const piece& one, std::string_view header, fact_collector* facts) {
    constexpr std::size_t at_once = 64 * 1024;
    if (one.messages >= messages_max) return shared.limit(one.where, "messages");
    piece around = one;
    ++around.messages;
    parts told(shared, around, facts);
    mime::walker walk(told);
    walk.feed(header);
    for (auto rest = one.octets; !rest.empty() && !shared.out_of_time(one.where);) {
        walk.feed(rest.substr(0, at_once));
        rest.remove_prefix(std::min(rest.size(), at_once));
        if (one.octets.size() - rest.size() >= facts_octets_max) told.end_facts();
    }
    walk.finish();
}

} // namespace

void look_at_message(look& shared, const piece& one) { walk_piece(shared, one, {}, nullptr); }

void look_at_tnef(look& shared, const piece& one) {
    walk_piece(shared, one, "Content-Type: application/ms-tnef\r\nContent-Transfer-Encoding: binary\r\n\r\n",
               nullptr);
}

void look_at_whole(look& shared, std::string_view message, fact_collector* facts) {
    piece whole;
    whole.octets = message;
    walk_piece(shared, whole, {}, facts);
}

} // namespace postern::policy::content
