// What libclamav says of whole messages, with its own reading of mail and archives, and the limits that it
// has by default: for run_corpus.py. Reads paths from its input, one a line; writes "clean" or what it found
// for each.
#include <clamav.h>
#include <fcntl.h>
#include <iostream>
#include <string>
#include <unistd.h>

namespace {

void quiet(cl_msg, const char*, const char*, void*) {}

std::string scanned(const std::string& path, cl_engine* engine) {
    cl_scan_options wanted{};
    wanted.general = CL_SCAN_GENERAL_HEURISTICS;
    wanted.parse = ~0U;
    wanted.heuristic =
        CL_SCAN_HEURISTIC_EXCEEDS_MAX | CL_SCAN_HEURISTIC_ENCRYPTED_ARCHIVE | CL_SCAN_HEURISTIC_ENCRYPTED_DOC;
    const int file = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
    if (file < 0) return "can't be read";
    const char* name = nullptr;
    unsigned long octets = 0;
    const auto got = cl_scandesc_callback(file, path.c_str(), &name, &octets, engine, &wanted, nullptr);
    ::close(file);
    if (got == CL_CLEAN) return "clean";
    return got == CL_VIRUS && name != nullptr ? name : cl_strerror(got);
}

} // namespace

int main(int count, char** words) {
    if (count != 2) return std::cerr << "usage: clamav_alone SIGNATURES < PATHS\n", 2;
    cl_set_clcb_msg(quiet);
    if (cl_init(CL_INIT_DEFAULT) != CL_SUCCESS) return 1;
    cl_engine* engine = cl_engine_new();
    unsigned known = 0;
    if (engine == nullptr || cl_load(words[1], engine, &known, CL_DB_STDOPT) != CL_SUCCESS || known == 0 ||
        cl_engine_compile(engine) != CL_SUCCESS)
        return std::cerr << words[1] << ": no signatures\n", 1;
    for (std::string path; std::getline(std::cin, path);)
        std::cout << scanned(path, engine) << "\n" << std::flush;
    cl_engine_free(engine);
    return 0;
}
