// A mail store in a temporary folder, and what is in it.
#pragma once

#include "storage/maildir.hpp"
#include "tests/support/temporary_folder.hpp"

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <sstream>

namespace postern::testing {

// A body in memory, given out in pieces of at most `piece` octets.
class text_body final : public storage::body_reader {
  public:
    explicit text_body(std::string_view text, std::size_t piece = 10) : text_(text), piece_(piece) {}
    result<std::size_t> read(std::span<char> into) override {
        if (fails_at && at_ >= *fails_at) return storage::storage_errc::io;
        const auto taken = text_.copy(into.data(), std::min(piece_, into.size()), at_);
        at_ += taken;
        return taken;
    }
    std::optional<std::size_t> fails_at;

  private:
    std::string text_;
    std::size_t piece_;
    std::size_t at_ = 0;
};

struct mail_store {
    temporary_folder folder{temporary_folder::in_memory()};
    std::uint64_t quota = 0;
    std::string into; // a folder of the Maildir; "" = the inbox

    storage::maildir_target target() const {
        return storage::maildir_target_for(folder.path() + "/{domain}/{local}", "u", "d.test", quota);
    }
    std::filesystem::path box() const { return std::filesystem::path(folder.path()) / "d.test" / "u"; }

    result<void> deliver(storage::file_env& files, const std::string& name, std::string_view text,
                         const std::string& head = "Return-Path: <>\r\n") const {
        text_body body(text);
        return storage::deliver_to_maildir(files, target(), {name, head, text.size(), into}, body);
    }
    result<void> deliver(const std::string& name, std::string_view text) const {
        return deliver(storage::system_files(), name, text);
    }

    // Names in a folder of the box, sorted.
    std::vector<std::string> names(const char* part) const {
        std::vector<std::string> found;
        if (!std::filesystem::exists(box() / part)) return found;
        for (const auto& entry : std::filesystem::directory_iterator(box() / part))
            found.push_back(entry.path().filename().string());
        std::ranges::sort(found);
        return found;
    }
    std::string content(const std::filesystem::path& relative) const {
        std::ifstream file(box() / relative, std::ios::binary);
        std::ostringstream text;
        text << file.rdbuf();
        return text.str();
    }
    void write(const std::filesystem::path& relative, std::string_view text) const {
        std::filesystem::create_directories((box() / relative).parent_path());
        std::ofstream(box() / relative, std::ios::binary) << text;
    }
};

} // namespace postern::testing
