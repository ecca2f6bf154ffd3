#include "policy/content/inspect.hpp"

int main() { return 69; }
