// The same message gives the same parts, names, octets and findings however it is cut, unless a limit ended
// the walk; parts begin and end in order; and no limit is passed.
#include "protocol/mime/walker.hpp"

#include "tests/fuzz/split.hpp"

#include <map>
#include <set>

using namespace postern::protocol::mime;
using namespace postern::fuzz;

namespace {

limits small_limits() {
    limits bounds;
    bounds.depth = 6;
    bounds.parts = 60;
    bounds.readings = 4;
    bounds.header_octets = 600;
    bounds.names = 12;
    bounds.name_octets = 80;
    bounds.boundary_octets = 20;
    bounds.work_at_least = 1024 * 1024;
    return bounds;
}

class checker final : public visitor {
  public:
    void begin_part(const part& begun) override {
        require(begun.id == last_ + 1 && begun.id <= bounds_.parts);
        require(begun.parent < begun.id && begun.alternative_of < begun.id);
        require(begun.depth <= bounds_.depth + 1);
        require(begun.parent == 0 || open_.count(begun.parent) == 1);
        last_ = begun.id;
        open_[begun.id] = std::string(name_of_kind(begun.kind)) + std::string(begun.encoding) + " " +
                          std::string(begun.type) + ":";
    }
    void name_of_part(part_id id, const name& candidate) override {
        require(open_.count(id) == 1 && candidate.raw.size() <= 3 * bounds_.name_octets);
        names_[id].insert(std::string(candidate.normalised));
    }
    void octets(part_id id, std::string_view decoded) override {
        require(open_.count(id) == 1);
        open_[id] += decoded;
    }
    void end_part(part_id id) override {
        require(open_.count(id) == 1);
        for (const std::string& one : names_[id]) open_[id] += "\n" + one;
        ended_.insert(open_[id]);
        open_.erase(id);
    }
    void found(part_id id, finding what) override {
        require(id <= last_ && static_cast<unsigned>(what) < finding_count);
        found_.insert(what);
    }

    void finish() const { require(open_.empty()); }
    bool limited() const { return found_.count(finding::too_many_readings) != 0; }
    bool operator==(const checker& other) const { return ended_ == other.ended_ && found_ == other.found_; }

  private:
    static char name_of_kind_octet(part_kind kind) { return static_cast<char>('0' + static_cast<int>(kind)); }
    static std::string name_of_kind(part_kind kind) { return {name_of_kind_octet(kind)}; }

    limits bounds_ = small_limits();
    part_id last_ = 0;
    std::map<part_id, std::string> open_;
    std::map<part_id, std::set<std::string>> names_;
    std::multiset<std::string> ended_;
    std::set<finding> found_;
};

bool walk(std::string_view input, cut how, checker& told) {
    walker one(told, small_limits());
    for (const std::string& piece : pieces(input, how)) one.feed(piece);
    one.finish();
    told.finish();
    return !one.given_up() && !told.limited();
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string_view input = as_text(data, size);
    checker whole, octets, random;
    const bool followed = walk(input, cut::whole, whole);
    const bool octets_followed = walk(input, cut::every_octet, octets);
    if (walk(input, cut::pseudo_random, random) && followed && octets_followed) {
        require(whole == octets);
        require(whole == random);
    }
    return 0;
}
