#include "tests/unit/policy/content/world.hpp"

#include "tests/support/temporary_folder.hpp"

#include <algorithm>
#include <chrono>
#include <filesystem>
#include <fstream>
#include <stdexcept>

namespace postern::policy::content::testing {
namespace {

std::string hex(std::string_view text) {
    constexpr char digits[] = "0123456789abcdef";
    std::string out;
    for (const char c : text) {
        out += digits[static_cast<unsigned char>(c) >> 4U];
        out += digits[static_cast<unsigned char>(c) & 15U];
    }
    return out;
}

struct loaded {
    postern::testing::temporary_folder folder{postern::testing::temporary_folder::in_memory()};
    std::unique_ptr<signatures> known;
    loaded() {
        std::ofstream(folder.path() + "/ours.ndb") << "Postern.Test.Marker:0:*:" << hex(marker) << "\n"
                                                   << "Postern.Test.Eicar:0:*:" << hex(eicar) << "\n";
        auto made = signatures::load(folder.path(), folder.path(), folder.path());
        if (!made) throw std::runtime_error(made.error());
        known = std::move(*made);
    }
};

} // namespace

order attachments_order() {
    order asked;
    asked.id = 7;
    asked.attachments = true;
    asked.extensions = {".bat", ".com", ".exe", ".js", ".scr", ".vbs", ".wsf", ".lnk"};
    asked.max_depth = 8;
    asked.max_entries = 10'000;
    asked.max_unpacked = 200'000'000;
    asked.max_ratio = 200;
    asked.milliseconds = 60'000;
    return asked;
}

order all_order() {
    auto asked = attachments_order();
    asked.antivirus = asked.everything = true;
    return asked;
}

std::string base64(std::string_view octets) {
    constexpr char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    std::string out;
    for (std::size_t at = 0; at < octets.size(); at += 3) {
        const auto octet = [&](std::size_t i) {
            return at + i < octets.size() ? static_cast<unsigned char>(octets[at + i]) : 0U;
        };
        const unsigned bits = octet(0) << 16U | octet(1) << 8U | octet(2);
        for (unsigned i = 0; i < 4; ++i)
            out += at + i <= octets.size() ? alphabet[bits >> (18 - 6 * i) & 63U] : '=';
        if (at / 3 % 19 == 18) out += "\r\n";
    }
    return out;
}

std::string crlf(std::string_view text) {
    std::string out;
    for (const char c : text) {
        if (c == '\n') out += '\r';
        out += c;
    }
    return out;
}

std::string with_attachment(const std::string& name, std::string_view octets, const std::string& type) {
    return crlf(
               "From: a@example.net\nTo: b@example.com\nSubject: x\nMIME-Version: 1.0\n"
               "Content-Type: multipart/mixed; boundary=\"=_b\"\n\n--=_b\nContent-Type: text/plain\n\nHello\n"
               "--=_b\nContent-Type: " +
               type + "\nContent-Transfer-Encoding: base64\nContent-Disposition: attachment; filename=\"" +
               name + "\"\n\n") +
           base64(octets) + crlf("\n--=_b--\n");
}

const signatures& our_signatures() {
    static const loaded one;
    return *one.known;
}

report look_at_octets(std::string_view message, const order& asked, engine with) {
    if (!prepare()) throw std::runtime_error("no UTF-8 locale");
    const postern::testing::temporary_folder folder(postern::testing::temporary_folder::in_memory());
    const auto begun = std::chrono::steady_clock::now();
    const auto elapsed = [begun] {
        return static_cast<std::uint64_t>(
            std::chrono::duration_cast<std::chrono::milliseconds>(std::chrono::steady_clock::now() - begun)
                .count());
    };
    auto made =
        inspect(message, asked, with == engine::ours ? &our_signatures() : nullptr, folder.path(), elapsed);
    if (!std::filesystem::is_empty(folder.path())) throw std::runtime_error("files were left behind");
    return made;
}

report look_at_file(const std::string& name, std::string_view octets, const order& asked) {
    return look_at_octets(with_attachment(name, octets), asked);
}

bool has(const report& made, finding_kind kind, std::string_view where, std::string_view what) {
    return std::any_of(made.findings.begin(), made.findings.end(), [&](const auto& one) {
        return one.kind == kind && one.where.find(where) != std::string::npos &&
               one.what.find(what) != std::string::npos;
    });
}

bool has_any(const report& made, finding_kind kind) { return has(made, kind); }

std::string text_of(const report& made) {
    static constexpr std::string_view kinds[] = {"extension",  "encrypted_name", "encrypted", "limit",
                                                 "unreadable", "malformed",      "virus",     "not_scanned"};
    std::string text = "findings:\n";
    for (const auto& one : made.findings)
        text += std::string(kinds[static_cast<std::size_t>(one.kind)]) + " | " + one.where + " | " +
                one.what + "\n";
    return text;
}

bool saw(const report& made, std::string_view what, std::string_view detail) {
    return std::any_of(made.all.begin(), made.all.end(), [&](const auto& one) {
        return one.what == what && (one.detail + " @ " + one.where).find(detail) != std::string::npos;
    });
}

} // namespace postern::policy::content::testing
