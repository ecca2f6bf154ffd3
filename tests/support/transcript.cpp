#include "tests/support/transcript.hpp"

#include <algorithm>
#include <charconv>
#include <filesystem>
#include <fstream>
#include <stdexcept>

namespace postern::testing {
namespace {

[[noreturn]] void fault(const std::string& path, int line, const std::string& what) {
    throw std::runtime_error(path + ":" + std::to_string(line) + ": " + what);
}

int hex_value(char c) {
    if (c >= '0' && c <= '9') return c - '0';
    if (c >= 'a' && c <= 'f') return c - 'a' + 10;
    return -1;
}

// \r \n \t \\ \{ \xHH, and {text*count}.
std::string unescape(const std::string& text, const std::string& path, int line) {
    std::string out;
    for (std::size_t i = 0; i < text.size(); ++i) {
        if (text[i] == '{') {
            const auto star = text.find('*', i);
            const auto end = text.find('}', i);
            if (star == std::string::npos || end == std::string::npos || star > end)
                fault(path, line, "bad {text*count}");
            int count = 0;
            std::from_chars(text.data() + star + 1, text.data() + end, count);
            const std::string piece = unescape(text.substr(i + 1, star - i - 1), path, line);
            for (int n = 0; n < count; ++n) out += piece;
            i = end;
            continue;
        }
        if (text[i] != '\\') {
            out += text[i];
            continue;
        }
        if (++i == text.size()) fault(path, line, "a backslash at the end");
        switch (text[i]) {
        case 'r': out += '\r'; break;
        case 'n': out += '\n'; break;
        case 't': out += '\t'; break;
        case '\\': out += '\\'; break;
        case '{': out += '{'; break;
        case 'x':
            if (i + 2 >= text.size() || hex_value(text[i + 1]) < 0 || hex_value(text[i + 2]) < 0)
                fault(path, line, "bad \\xHH");
            out += static_cast<char>(hex_value(text[i + 1]) * 16 + hex_value(text[i + 2]));
            i += 2;
            break;
        default: fault(path, line, "unknown escape");
        }
    }
    return out;
}

class reader {
  public:
    explicit reader(const std::string& path) : path_(path) {
        made_.name = std::filesystem::path(path).stem().string();
    }

    transcript read() {
        std::ifstream in(path_);
        if (!in) fault(path_, 0, "cannot be read");
        std::string text;
        while (std::getline(in, text)) {
            ++line_;
            take(text);
        }
        flush();
        return std::move(made_);
    }

  private:
    void take(const std::string& text) {
        if (text.empty() || text[0] == '#') return;
        const auto colon = text.find(": ");
        const std::string tag = text.substr(0, colon);
        const std::string rest = colon == std::string::npos ? "" : text.substr(colon + 2);
        if (tag == "C" || tag == "c")
            send(unescape(rest, path_, line_) + (tag == "C" ? "\r\n" : ""));
        else if (tag == "S")
            expect(rest);
        else if (text == "<close>")
            current_.closes = answered_ = true;
        else if (text == "<tls>")
            current_.starts_tls = answered_ = true;
        else if (text == "<whole>")
            made_.whole_only = true;
        else if (tag == "messages")
            made_.messages = std::stoi(rest);
        else if (tag == "body")
            made_.bodies.push_back(unescape(rest, path_, line_));
        else
            fault(path_, line_, "not C, c, S, <close>, <tls>, <whole>, messages or body");
    }

    void send(const std::string& octets) {
        if (answered_) flush();
        if (current_.line == 0) current_.line = line_;
        current_.sent += octets;
    }

    void expect(const std::string& reply) {
        answered_ = true;
        if (current_.line == 0) current_.line = line_;
        current_.expected.push_back(reply);
    }

    void flush() {
        if (current_.line != 0) made_.exchanges.push_back(std::move(current_));
        current_ = {};
        answered_ = false;
    }

    std::string path_;
    transcript made_;
    exchange current_;
    bool answered_ = false;
    int line_ = 0;
};

constexpr std::string_view any_lines = "-...";

bool matches(const std::string& line, const std::string& wanted) {
    if (wanted.ends_with(any_lines)) return line.starts_with(wanted.substr(0, 3));
    if (wanted.ends_with('*')) return line.starts_with(wanted.substr(0, wanted.size() - 1));
    return line == wanted;
}

} // namespace

transcript read_transcript(const std::string& path) { return reader(path).read(); }

std::vector<transcript> read_transcripts(const std::string& folder) {
    std::vector<std::string> paths;
    for (const auto& entry : std::filesystem::directory_iterator(folder))
        if (entry.path().extension() == ".smtp") paths.push_back(entry.path().string());
    std::sort(paths.begin(), paths.end());
    std::vector<transcript> made;
    for (const auto& path : paths) made.push_back(read_transcript(path));
    return made;
}

std::string compare_reply(const exchange& with, const std::string& received) {
    std::size_t at = 0;
    for (const auto& wanted : with.expected) {
        for (bool more = true; more;) {
            const auto end = received.find("\r\n", at);
            if (end == std::string::npos)
                return "missing reply \"" + wanted + "\", got \"" + received.substr(at) + "\"";
            const auto line = received.substr(at, end - at);
            at = end + 2;
            if (!matches(line, wanted)) return "expected \"" + wanted + "\", got \"" + line + "\"";
            more = wanted.ends_with(any_lines) && line.substr(3, 1) == "-";
        }
    }
    if (at != received.size()) return "unexpected \"" + received.substr(at) + "\"";
    return {};
}

} // namespace postern::testing
