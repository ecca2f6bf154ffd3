// What GMime shows of a message: for run_corpus.py. Reads paths from its input, one a line; writes the names
// of the parts as a JSON list for each. It takes the parser's word: one name for each part.
#include <gmime/gmime.h>
#include <iostream>
#include <string>

namespace {

std::string quoted(const char* text) {
    std::string out = "\"";
    for (; *text != 0; ++text) {
        const auto c = static_cast<unsigned char>(*text);
        if (c >= 0x20 && c < 0x7f && c != '"' && c != '\\')
            out += *text;
        else if (c < 0x80)
            out += '?';
        else
            out += '_'; // an extension is ASCII
    }
    return out + '"';
}

struct names {
    std::string list;
};

void visit(GMimeObject*, GMimeObject* part, gpointer data) {
    auto& told = *static_cast<names*>(data);
    if (!GMIME_IS_PART(part)) return;
    if (const char* name = g_mime_part_get_filename(GMIME_PART(part)))
        told.list += (told.list.empty() ? "" : ", ") + quoted(name);
}

} // namespace

int main() {
    g_mime_init();
    for (std::string path; std::getline(std::cin, path);) {
        names told;
        GMimeStream* stream = g_mime_stream_fs_open(path.c_str(), 0, 0, nullptr);
        if (stream == nullptr) return std::cerr << path << ": can't be read\n", 1;
        GMimeParser* parser = g_mime_parser_new_with_stream(stream);
        g_object_unref(stream);
        if (GMimeMessage* message = g_mime_parser_construct_message(parser, nullptr)) {
            g_mime_message_foreach(message, visit, &told);
            g_object_unref(message);
        }
        g_object_unref(parser);
        std::cout << "[" << told.list << "]\n" << std::flush;
    }
    return 0;
}
