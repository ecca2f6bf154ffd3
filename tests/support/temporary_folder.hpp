// A folder of its own for one test, gone with everything in it when the object is.
#pragma once

#include <cstdlib>
#include <filesystem>
#include <stdexcept>
#include <string>

namespace postern::testing {

class temporary_folder {
  public:
    explicit temporary_folder(const std::filesystem::path& parent = std::filesystem::temp_directory_path()) {
        auto name = (parent / "postern-test-XXXXXX").string();
        if (::mkdtemp(name.data()) == nullptr) throw std::runtime_error("no temporary folder");
        path_ = name;
    }
    temporary_folder(const temporary_folder&) = delete;
    temporary_folder& operator=(const temporary_folder&) = delete;
    ~temporary_folder() {
        std::error_code ignored;
        std::filesystem::remove_all(path_, ignored);
    }
    const std::string& path() const { return path_; }

    // Where a flush costs nothing, for tests that make thousands.
    static std::filesystem::path in_memory() {
        const std::filesystem::path shared_memory = "/dev/shm";
        return std::filesystem::exists(shared_memory) ? shared_memory
                                                      : std::filesystem::temp_directory_path();
    }

  private:
    std::string path_;
};

} // namespace postern::testing
