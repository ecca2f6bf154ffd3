// Correct logins for some minutes, so that a phone that logs in for every message costs no hash each time.
// What is kept is a digest under a key that this process alone knows, over login, password and stored
// setting: with the memory alone nobody learns a password, and a changed setting makes it worthless. One
// entry an account, a bounded number of them; what was used longest ago goes first. The time is passed in.
// For one thread.
#pragma once

#include "policy/submission/keyed_digest.hpp"

#include <chrono>
#include <list>
#include <string>
#include <unordered_map>

namespace postern::server {

class login_memory {
  public:
    using time = std::chrono::steady_clock::time_point;

    explicit login_memory(std::size_t entries) : entries_(entries) {}

    bool knows(const std::string& account, const policy::digest& of, time now);
    void keep(const std::string& account, const policy::digest& of, time until);
    void forget(const std::string& account);
    void forget_all();
    std::size_t entries() const { return by_account_.size(); }

  private:
    struct entry {
        std::string account;
        policy::digest of;
        time until;
    };
    using place = std::list<entry>::iterator;

    std::size_t entries_;
    std::list<entry> by_use_; // last used first
    std::unordered_map<std::string, place> by_account_;
};

} // namespace postern::server
