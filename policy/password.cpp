// zxcvbn for the estimate, libxcrypt for the hash. Failures of libxcrypt are tokens that start with '*'; each
// result is checked.
#include "policy/password.hpp"

#include "protocol/sasl/scram_keys.hpp"
#include "protocol/smtp/grammar.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cmath>
#include <crypt.h>
#include <cstring>
#include <fmt/format.h>
#include <memory>
#include <unistd.h>
#include <vector>
#include <zxcvbn.h>

namespace postern::policy {

namespace {

struct match_list_end {
    void operator()(ZxcMatch_t* list) const { ZxcvbnFreeInfo(list); }
};

struct crypt_data_end {
    void operator()(crypt_data* data) const {
        ::explicit_bzero(data, sizeof *data); // holds the password
        delete data;
    }
};

std::string_view weakness_text(int type) {
    switch (type & ~MULTIPLE_MATCH) {
    case DICTIONARY_MATCH:
    case DICT_LEET_MATCH: return "it is made of a common password, word or name";
    case USER_MATCH:
    case USER_LEET_MATCH: return "it is made of the address or of a word that is known here";
    case REPEATS_MATCH: return "it repeats itself";
    case SEQUENCE_MATCH: return "it is a sequence";
    case SPATIAL_MATCH: return "its keys are neighbours";
    case DATE_MATCH:
    case YEAR_MATCH: return "it is made of a date";
    default: return "it is too short";
    }
}

// What the longest part of the password is.
std::string_view main_weakness(const ZxcMatch_t* list) {
    const ZxcMatch_t* longest = list;
    for (const ZxcMatch_t* part = list; part != nullptr; part = part->Next)
        if (part->Length > longest->Length) longest = part;
    return longest == nullptr ? weakness_text(NON_MATCH) : weakness_text(longest->Type);
}

constexpr std::size_t word_min = 3; // shorter ones are in every text

void add_word(std::string_view word, std::vector<std::string>& to) {
    if (word.size() >= word_min && word.size() <= password_estimate_max)
        to.push_back(protocol::to_lower(word));
}

// "firma.cz" is guessed as "firma" as well.
std::vector<std::string> guessable_words(std::span<const std::string> words) {
    constexpr std::string_view between = ".-_+ ";
    std::vector<std::string> all;
    for (const std::string_view word : words) {
        add_word(word, all);
        if (word.find_first_of(between) == std::string_view::npos) continue;
        for (std::size_t from = 0; from <= word.size();) {
            const auto end = std::min(word.find_first_of(between, from), word.size());
            add_word(word.substr(from, end - from), all);
            from = end + 1;
        }
    }
    return all;
}

} // namespace

std::string password_weakness(std::string_view password, std::span<const std::string> words) {
    if (password.empty()) return "it is empty";
    if (password.size() > password_max) return fmt::format("it is longer than {} octets", password_max);
    if (std::any_of(password.begin(), password.end(), protocol::is_control))
        return "it contains a control character";
    if (!protocol::is_valid_utf8(password)) return "it is not valid UTF-8";

    const std::vector<std::string> known = guessable_words(words);
    std::vector<const char*> pointers;
    for (const auto& word : known) pointers.push_back(word.c_str());
    pointers.push_back(nullptr);
    const std::string estimated(password.substr(0, password_estimate_max));
    ZxcMatch_t* list = nullptr;
    const double bits = ZxcvbnMatch(estimated.c_str(), pointers.data(), &list);
    const std::unique_ptr<ZxcMatch_t, match_list_end> owned(list);
    if (bits >= password_bits_min) return "";
    return fmt::format("it is easy to guess (about 10^{:.0f} tries): {}",
                       std::max(0.0, bits) * std::log10(2.0), main_weakness(list));
}

result<std::string> hash_password(const std::string& password) {
    const auto failed = [] {
        return boost::system::error_code(errno != 0 ? errno : EINVAL, boost::system::system_category());
    };
    std::array<char, CRYPT_GENSALT_OUTPUT_SIZE> setting{};
    errno = 0;
    if (crypt_gensalt_rn("$y$", 0, nullptr, 0, setting.data(), static_cast<int>(setting.size())) == nullptr)
        return failed();
    if (crypt_checksalt(setting.data()) != CRYPT_SALT_OK) return failed();
    const std::unique_ptr<crypt_data, crypt_data_end> data(new crypt_data{});
    const char* hash = crypt_r(password.c_str(), setting.data(), data.get());
    if (hash == nullptr || std::string_view(hash).starts_with('*') ||
        !std::string_view(hash).starts_with("$y$"))
        return failed();
    return std::string(hash);
}

result<stored_password> store_password(const std::string& password) {
    auto setting = hash_password(password);
    if (!setting) return setting.error();
    std::array<char, protocol::sasl::scram_salt_octets> salt{};
    if (::getentropy(salt.data(), salt.size()) != 0)
        return boost::system::error_code(errno, boost::system::system_category());
    const auto keys = protocol::sasl::make_scram_keys(password, {salt.data(), salt.size()});
    return stored_password{std::move(*setting), keys ? protocol::sasl::to_text(*keys) : ""};
}

} // namespace postern::policy
