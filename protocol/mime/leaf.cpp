// Parts whose octets are told, and searched for files: those of a TNEF, which its first octets show, and
// those in text.
#include "protocol/mime/attached.hpp"

#include <algorithm>

namespace postern::protocol::mime {
namespace {

class leaf final : public sink {
  public:
    leaf(walk& shared, part_id id, part_id entity, leaf_hints hints, unsigned depth)
        : shared_(shared), id_(id), entity_(entity), hints_(hints), depth_(depth) {
        if (hints.text) files_ = std::make_unique<text_files>(shared, id, depth);
    }

    void feed(std::string_view octets) override {
        if (shared_.given_up() || octets.empty()) return;
        shared_.work(octets.size() * (files_ ? 4 : 1));
        shared_.told().octets(id_, octets);
        if (files_) files_->feed(octets);
        if (start_.size() < tnef_magic.size()) look_at_start(octets);
        if (container_) container_->feed(octets);
    }
    void end() override {
        if (files_) files_->end();
        if (container_)
            container_->end();
        else if (hints_.tnef)
            shared_.report(entity_, finding::bad_tnef);
        shared_.told().end_part(id_);
    }

  private:
    // Takes the first octets off the front.
    void look_at_start(std::string_view& octets) {
        const auto part = octets.substr(0, tnef_magic.size() - start_.size());
        octets.remove_prefix(part.size());
        start_ += part;
        if (start_ != tnef_magic) return;
        shared_.report(entity_, finding::tnef);
        if (depth_ >= shared_.bounds().depth) return shared_.report(entity_, finding::too_deep);
        container_ = std::make_unique<tnef_files>(shared_, id_, entity_, depth_);
        container_->feed(start_);
    }

    walk& shared_;
    part_id id_, entity_;
    leaf_hints hints_;
    unsigned depth_;
    std::string start_;
    std::unique_ptr<sink> files_, container_;
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
            text_ = make_leaf(shared_, id, id, {.text = true}, depth_);
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

std::unique_ptr<sink> make_leaf(walk& shared, part_id id, part_id entity, leaf_hints hints, unsigned depth) {
    return std::make_unique<leaf>(shared, id, entity, hints, depth);
}

std::unique_ptr<sink> make_text_beside(walk& shared, part_kind kind, part_id parent, unsigned depth) {
    return std::make_unique<text_beside>(shared, kind, parent, depth);
}

} // namespace postern::protocol::mime
