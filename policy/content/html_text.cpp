#include "policy/content/html_text.hpp"

#include "policy/content/html_style.hpp"
#include "protocol/smtp/grammar.hpp"

#include <algorithm>
#include <map>

namespace postern::policy::content {
namespace {

constexpr std::size_t depth_max = 64;
constexpr std::size_t attribute_max = 2048; // octets of a value that are kept
constexpr std::size_t attributes_max = 32;
constexpr std::size_t shown_max = 256;
constexpr std::string_view white = "#ffffff";

using attributes = std::map<std::string, std::string, std::less<>>;

constexpr std::string_view inline_tags[] = {
    "a",    "abbr",   "acronym", "b",   "bdo", "big",  "cite", "code", "del",  "dfn",
    "em",   "font",   "i",       "ins", "kbd", "mark", "q",    "s",    "samp", "small",
    "span", "strike", "strong",  "sub", "sup", "tt",   "u",    "var",  "wbr"};
constexpr std::string_view empty_tags[] = {"area",  "base", "br",   "col",   "embed",  "hr",    "img",
                                           "input", "link", "meta", "param", "source", "track", "wbr"};
constexpr std::string_view unseen_tags[] = {"script", "style", "title", "noframes", "textarea", "xml"};

template <std::size_t N> bool is_among(const std::string_view (&list)[N], std::string_view what) {
    return std::find(std::begin(list), std::end(list), what) != std::end(list);
}

bool is_space(char c) { return c == ' ' || c == '\t' || c == '\r' || c == '\n' || c == '\f'; }
bool is_letter(char c) { return protocol::to_lower(c) >= 'a' && protocol::to_lower(c) <= 'z'; }

struct tag {
    std::string name; // lower case
    bool closes = false;
    attributes has;
};

std::string_view value_of(const tag& from, std::string_view name) {
    const auto at = from.has.find(name);
    return at == from.has.end() ? std::string_view() : std::string_view(at->second);
}

// Takes a tag off the front of `left`, which starts with "<" and a letter or "/".
class tag_reader {
  public:
    explicit tag_reader(std::string_view& left) : left_(left) {}

    tag read() {
        tag made;
        left_.remove_prefix(1);
        made.closes = left_.starts_with('/');
        if (made.closes) left_.remove_prefix(1);
        made.name =
            protocol::to_lower(take_until([](char c) { return is_space(c) || c == '>' || c == '/'; }));
        for (;;) {
            take_until([](char c) { return !is_space(c) && c != '/'; });
            if (left_.empty()) return made;
            if (left_.front() == '>') {
                left_.remove_prefix(1);
                return made;
            }
            take_attribute(made);
        }
    }

  private:
    template <class Ends> std::string_view take_until(Ends ends) {
        std::size_t length = 0;
        while (length < left_.size() && !ends(left_[length])) ++length;
        const auto taken = left_.substr(0, length);
        left_.remove_prefix(length);
        return taken;
    }
    void take_attribute(tag& to) {
        const auto name = take_until([](char c) { return is_space(c) || c == '>' || c == '=' || c == '/'; });
        take_until([](char c) { return !is_space(c); });
        if (!left_.starts_with('=')) {
            if (name.empty()) left_.remove_prefix(std::min<std::size_t>(left_.size(), 1));
            return keep(name, {}, to);
        }
        left_.remove_prefix(1);
        take_until([](char c) { return !is_space(c); });
        const auto value = take_value();
        keep(name, value, to);
    }
    static void keep(std::string_view name, std::string_view value, tag& to) {
        if (to.has.size() < attributes_max)
            to.has.emplace(protocol::to_lower(name.substr(0, shown_max)),
                           decode_entities(value.substr(0, attribute_max)));
    }
    std::string_view take_value() {
        if (!left_.starts_with('"') && !left_.starts_with('\''))
            return take_until([](char c) { return is_space(c) || c == '>'; });
        const char quote = left_.front();
        left_.remove_prefix(1);
        const auto value = take_until([quote](char c) { return c == quote; });
        left_.remove_prefix(std::min<std::size_t>(left_.size(), 1));
        return value;
    }

    std::string_view& left_;
};

class html_reader {
  public:
    html_text run(std::string_view utf8) {
        open_.push_back({"", false, "#000000", std::string(white)});
        while (!utf8.empty()) next(utf8);
        end_link();
        return std::move(made_);
    }

  private:
    struct element {
        std::string name;
        bool hidden = false;
        std::string color, background;
    };

    void next(std::string_view& left) {
        if (!left.starts_with('<')) return add_text(take_text(left));
        if (left.starts_with("<!--")) return skip_past("-->", left);
        if (left.starts_with("<!") || left.starts_with("<?")) return skip_past(">", left);
        const bool is_tag = left.size() > 1 && (is_letter(left[1]) || left[1] == '/');
        if (is_tag) return take(tag_reader(left).read(), left);
        add_text(left.substr(0, 1));
        left.remove_prefix(1);
    }
    static std::string_view take_text(std::string_view& left) {
        const auto taken = left.substr(0, left.find('<'));
        left.remove_prefix(taken.size());
        return taken;
    }
    static void skip_past(std::string_view what, std::string_view& left) {
        const auto at = left.find(what);
        left.remove_prefix(at == std::string_view::npos ? left.size() : at + what.size());
    }

    void take(const tag& one, std::string_view& left) {
        if (!is_among(inline_tags, one.name)) made_.text += ' ';
        if (one.closes) return close(one.name);
        if (one.name == "script") made_.script = true;
        if (one.name == "img") ++made_.pictures;
        if (one.name == "form") made_.form = true;
        if (one.name == "a" || one.name == "area") begin_link(one);
        if (is_among(unseen_tags, one.name)) return skip_element(one.name, left);
        if (!is_among(empty_tags, one.name)) open(one);
    }
    // To "</name"; nothing else ends it.
    static void skip_element(std::string_view name, std::string_view& left) {
        for (;;) {
            skip_past("</", left);
            if (left.empty()) return;
            if (protocol::equals_ignoring_case(left.substr(0, name.size()), name)) break;
        }
        skip_past(">", left);
    }
    void open(const tag& one) {
        if (open_.size() >= depth_max) return;
        element made = open_.back();
        made.name = one.name;
        auto style = read_style(value_of(one, "style"), value_of(one, "color"), value_of(one, "bgcolor"));
        made.hidden |= style.hides || one.has.contains("hidden");
        if (!style.color.empty()) made.color = std::move(style.color);
        if (!style.background.empty()) made.background = std::move(style.background);
        if (one.has.contains("background")) made.background = "?"; // a picture
        open_.push_back(std::move(made));
    }
    void close(std::string_view name) {
        if (name == "a") end_link();
        const auto at = std::find_if(open_.rbegin(), open_.rend() - 1,
                                     [&](const element& one) { return one.name == name; });
        if (at != open_.rend() - 1) open_.erase(at.base() - 1, open_.end());
    }

    void begin_link(const tag& one) {
        end_link();
        const auto to = value_of(one, "href");
        in_link_ = !to.empty() && made_.links.size() < html_links_max;
        if (in_link_) made_.links.push_back({std::string(to), {}});
    }
    void end_link() { in_link_ = false; }

    void add_text(std::string_view raw) {
        const auto text = decode_entities(raw);
        const auto solid = static_cast<std::size_t>(
            std::count_if(text.begin(), text.end(), [](char c) { return !is_space(c); }));
        const auto& around = open_.back();
        if (around.hidden || around.color == around.background) {
            made_.hidden += solid;
            return;
        }
        made_.visible += solid;
        made_.text += text;
        if (!in_link_) return;
        auto& shown = made_.links.back().shown;
        shown += std::string_view(text).substr(0, shown_max - std::min(shown_max, shown.size()));
    }

    html_text made_;
    std::vector<element> open_; // the first is the page
    bool in_link_ = false;
};

} // namespace

html_text read_html(std::string_view utf8) { return html_reader().run(utf8); }

} // namespace postern::policy::content
