// The program postern.
#include "server/admin/commands.hpp"

#include <iostream>

int main(int argc, char** argv) {
    postern::server::terminal with{std::cin, std::cout, std::cerr};
    return postern::server::run_command_line(argc, argv, with);
}
