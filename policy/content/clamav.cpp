// Fails closed: whatever libclamav says that is neither "clean" nor a named find is not_scanned. Its limits
// are set above what the order lets through, so that it reaches none silently.
#include "policy/content/clamav.hpp"

#include <algorithm>
#include <clamav.h>
#include <fmt/format.h>

namespace postern::policy::content {
namespace {

using protocol::scan::finding_kind;

// libclamav takes no file above 2 GiB; what it unpacks of one file, all together, may be more.
constexpr long long file_octets_max = 1LL << 30, scan_octets_max = 1LL << 32;

struct number {
    cl_engine_field field;
    long long value;
};
constexpr number numbers[] = {
    {CL_ENGINE_MAX_SCANSIZE, scan_octets_max},
    {CL_ENGINE_MAX_FILESIZE, file_octets_max},
    {CL_ENGINE_MAX_RECURSION, 50},
    {CL_ENGINE_MAX_FILES, 20'000},
    {CL_ENGINE_BYTECODE_MODE, CL_BYTECODE_MODE_INTERPRETER}, // no memory that is written and run
};

struct freed {
    void operator()(cl_engine* one) const { cl_engine_free(one); }
};
struct unmapped {
    void operator()(cl_fmap_t* one) const { cl_fmap_close(one); }
};

void quiet(cl_msg, const char*, const char*, void*) {}

cl_scan_options options() {
    cl_scan_options wanted{};
    wanted.general = CL_SCAN_GENERAL_HEURISTICS;
    wanted.parse =
        ~unsigned(CL_SCAN_PARSE_MAIL); // ours reads it, in bounded time and memory; its parts are scanned
    wanted.heuristic =
        CL_SCAN_HEURISTIC_EXCEEDS_MAX | CL_SCAN_HEURISTIC_ENCRYPTED_ARCHIVE | CL_SCAN_HEURISTIC_ENCRYPTED_DOC;
    return wanted;
}

std::string told(const char* what, cl_error_t why) { return fmt::format("{}: {}", what, cl_strerror(why)); }

} // namespace

struct signatures::state {
    std::unique_ptr<cl_engine, freed> engine;
    unsigned count = 0;
};

signatures::signatures(std::unique_ptr<state> loaded) : state_(std::move(loaded)) {}
signatures::~signatures() = default;
unsigned signatures::count() const { return state_->count; }

result<std::unique_ptr<signatures>, std::string>
signatures::load(const std::string& folder, const std::string& loading, const std::string& scratch) {
    cl_set_clcb_msg(quiet);
    if (const auto got = cl_init(CL_INIT_DEFAULT); got != CL_SUCCESS) return told("libclamav", got);
    auto made = std::make_unique<state>();
    made->engine.reset(cl_engine_new());
    if (!made->engine) return std::string("libclamav: no memory for an engine");
    for (const number& one : numbers)
        if (const auto got = cl_engine_set_num(made->engine.get(), one.field, one.value); got != CL_SUCCESS)
            return told("libclamav takes a limit not", got);
    const auto put_files = [&](const std::string& where) {
        return cl_engine_set_str(made->engine.get(), CL_ENGINE_TMPDIR, where.c_str());
    };
    if (const auto got = put_files(loading); got != CL_SUCCESS) return told(loading.c_str(), got);
    const auto loaded = cl_load(folder.c_str(), made->engine.get(), &made->count, CL_DB_STDOPT);
    if (loaded != CL_SUCCESS) return told(folder.c_str(), loaded);
    if (made->count == 0) return folder + ": has no signatures";
    if (const auto got = cl_engine_compile(made->engine.get()); got != CL_SUCCESS)
        return told(folder.c_str(), got);
    if (const auto got = put_files(scratch); got != CL_SUCCESS) return told(scratch.c_str(), got);
    return std::unique_ptr<signatures>(new signatures(std::move(made)));
}

namespace {

void take(cl_error_t got, const char* name, const std::string& where, protocol::scan::report& found) {
    if (got == CL_CLEAN) return;
    if (got != CL_VIRUS) return add({finding_kind::not_scanned, where, cl_strerror(got)}, found);
    // A file above the limit is "infected" by nothing.
    if (name == nullptr || *name == 0)
        return add({finding_kind::not_scanned, where, "the engine names no virus"}, found);
    const std::string_view virus(name);
    if (virus.starts_with("Heuristics.Limits.")) return add({finding_kind::not_scanned, where, name}, found);
    if (virus.starts_with("Heuristics.Encrypted.")) return add({finding_kind::encrypted, where, name}, found);
    add({finding_kind::virus, where, name}, found);
}

} // namespace

void signatures::scan(std::string_view octets, const std::string& where, const protocol::scan::order& limits,
                      std::uint32_t deadline_ms, protocol::scan::report& found) const {
    if (octets.empty()) return;
    if (octets.size() > static_cast<std::uint64_t>(file_octets_max) ||
        limits.max_unpacked > static_cast<std::uint64_t>(scan_octets_max))
        return add({finding_kind::not_scanned, where, "larger than the engine takes"}, found);
    // 0 would mean without end.
    const auto time = static_cast<long long>(std::max(deadline_ms, 1U));
    if (limits.milliseconds != 0) cl_engine_set_num(state_->engine.get(), CL_ENGINE_MAX_SCANTIME, time);
    const std::unique_ptr<cl_fmap_t, unmapped> map(cl_fmap_open_memory(octets.data(), octets.size()));
    if (!map) return add({finding_kind::not_scanned, where, "no memory"}, found);
    auto wanted = options();
    const char* name = nullptr;
    unsigned long scanned = 0;
    const auto got =
        cl_scanmap_callback(map.get(), nullptr, &name, &scanned, state_->engine.get(), &wanted, nullptr);
    take(got, name, where, found);
}

} // namespace postern::policy::content
