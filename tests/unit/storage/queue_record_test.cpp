#include "queue_support.hpp"

#include <catch2/catch.hpp>

using namespace postern::storage;
using namespace postern::testing;

namespace {

queued_message full_message() {
    queued_message message = message_of(77, 70'000);
    message.arrived = -1;
    message.body_in_file = true;
    message.smtputf8 = true;
    message.ret = 2;
    message.sender = "";
    message.envelope_id = std::string("\0=+ \xff", 5);
    queued_recipient failed;
    failed.address = "b\xc3\xbc@example.net";
    failed.orcpt = "rfc822;b";
    failed.notify = 15;
    failed.route = recipient_route::outside;
    failed.state = recipient_state::failed;
    failed.tries = 65535;
    failed.next_try = -9;
    failed.last_reply = "5.1.1 no";
    message.recipients.push_back(failed);
    return message;
}

std::string with(std::string record, std::size_t at, char octet) {
    record.at(at) = octet;
    return record;
}

} // namespace

TEST_CASE("every field of a message comes back") {
    const queued_message before = full_message();
    auto after = decode_message(before.id, encode_message(before));
    REQUIRE(after.has_value());
    REQUIRE(decode_states(encode_states(before), *after));
    CHECK(after->arrived == -1);
    CHECK(after->size == 70'000);
    CHECK((after->body_in_file && after->smtputf8));
    CHECK(after->body_type == 1);
    CHECK(after->ret == 2);
    CHECK(after->sender.empty());
    CHECK(after->envelope_id == before.envelope_id);
    CHECK(after->session == "S77");
    CHECK(after->client == "192.0.2.1");
    CHECK(after->helo == "client.example.org");
    CHECK(after->protocol == "ESMTPS");
    REQUIRE(after->recipients.size() == 2);
    const queued_recipient& second = after->recipients[1];
    CHECK(second.address == "b\xc3\xbc@example.net");
    CHECK(second.original.empty());
    CHECK(second.orcpt == "rfc822;b");
    CHECK(second.notify == 15);
    CHECK(second.route == recipient_route::outside);
    CHECK(second.state == recipient_state::failed);
    CHECK(second.tries == 65535);
    CHECK(second.next_try == -9);
    CHECK(second.last_reply == "5.1.1 no");
    CHECK(same(*after, before));
}

TEST_CASE("a record cut anywhere or with an octet too many is corrupt") {
    const queued_message message = full_message();
    const std::string fixed = encode_message(message), states = encode_states(message);
    queued_message into = message;
    for (std::size_t length = 0; length < fixed.size(); ++length) {
        REQUIRE(decode_message({1}, fixed.substr(0, length)).error() == storage_errc::corrupt);
    }
    for (std::size_t length = 0; length < states.size(); ++length) {
        REQUIRE(decode_states(states.substr(0, length), into).error() == storage_errc::corrupt);
    }
    CHECK(decode_message({1}, fixed + '\0').error() == storage_errc::corrupt);
    CHECK(decode_states(states + '\0', into).error() == storage_errc::corrupt);
}

TEST_CASE("a record of a later version says so instead of being misread") {
    const queued_message message = full_message();
    queued_message into = message;
    CHECK(decode_message({1}, with(encode_message(message), 0, 5)).error() == storage_errc::newer_format);
    CHECK(decode_states(with(encode_states(message), 0, 4), into).error() == storage_errc::newer_format);
    CHECK(decode_message({1}, with(encode_message(message), 0, 0)).error() == storage_errc::corrupt);
    CHECK(decode_states(with(encode_states(message), 0, 0), into).error() == storage_errc::corrupt);
}

TEST_CASE("what the first version can't say makes a record of the second, and nothing else does") {
    queued_message message = full_message();
    CHECK(encode_message(message)[0] == 1);
    CHECK(encode_states(message)[0] == 1);
    for (const auto proof : {sender_proof::proved, sender_proof::unproved}) {
        message.proof = proof;
        const auto record = encode_message(message);
        CHECK(record[0] == 2);
        const auto after = decode_message(message.id, record);
        REQUIRE(after.has_value());
        CHECK(after->proof == proof);
        CHECK((after->body_in_file && after->smtputf8));
        CHECK(decode_message({1}, with(record, 0, 1)).error() == storage_errc::corrupt);
        CHECK(decode_message({1}, with(record, 17, 15)).error() == storage_errc::corrupt); // both
        CHECK(decode_message({1}, with(record, 17, 3)).error() == storage_errc::corrupt);  // neither
    }
    queued_message into = message;
    CHECK(decode_states(with(encode_states(message), 0, 2), into).error() == storage_errc::corrupt);
    message.recipients[0].state = recipient_state::aside;
    message.recipients[0].next_try = 700;
    const auto states = encode_states(message);
    CHECK(states[0] == 2);
    REQUIRE(decode_states(states, into));
    CHECK(into.recipients[0].state == recipient_state::aside);
    CHECK(due_time(into) == 700); // it is looked at again
    CHECK(decode_states(with(states, 0, 1), into).error() == storage_errc::corrupt);
    CHECK(decode_states(with(states, 0, 3), into).error() == storage_errc::corrupt);
    message.recipients[0].state = recipient_state::untold;
    const auto untold = encode_states(message);
    CHECK(untold[0] == 3);
    REQUIRE(decode_states(untold, into));
    CHECK(into.recipients[0].state == recipient_state::untold);
    CHECK(due_time(into) == 700); // its sender is told
    CHECK(decode_states(with(untold, 0, 2), into).error() == storage_errc::corrupt);
}

TEST_CASE("Junk and what was found after the body make a record of the third, and nothing else does") {
    queued_message junk = full_message(), found = full_message(), both = full_message();
    junk.recipients[1].junk = true;
    found.result_fields = "X-Spam-Status: No\r\n";
    both.proof = sender_proof::proved;
    both.recipients[0].junk = true;
    both.result_fields = std::string(result_fields_max, 'x');
    for (const auto& message : {junk, found, both}) {
        const auto record = encode_message(message);
        CHECK(record[0] == 3);
        CHECK(encode_states(message)[0] == 1);
        auto after = decode_message(message.id, record);
        REQUIRE(after.has_value());
        CHECK(after->result_fields == message.result_fields);
        CHECK(after->recipients[0].junk == message.recipients[0].junk);
        CHECK(after->recipients[1].junk == message.recipients[1].junk);
        CHECK(after->recipients[1].route == recipient_route::outside);
        CHECK(after->proof == message.proof);
        CHECK(encode_message(*after) == record);
        for (const char version : {'\1', '\2'})
            CHECK(decode_message({1}, with(record, 0, version)).error() == storage_errc::corrupt);
        for (std::size_t length = 0; length < record.size(); ++length)
            REQUIRE(decode_message({1}, record.substr(0, length)).error() == storage_errc::corrupt);
    }
    const auto record = encode_message(junk);
    CHECK(decode_message({1}, with(record, record.size() - 1, 4)).error() == storage_errc::corrupt);
    CHECK(decode_message({1}, with(record, record.size() - 1, 1)).error() ==
          storage_errc::corrupt); // no Junk
    // Longer fields than any server writes.
    both.result_fields += 'y';
    CHECK(decode_message({1}, encode_message(both))->result_fields.size() == result_fields_max);
    auto longer = encode_message(both);
    const auto at = longer.find(std::string(result_fields_max, 'x'));
    longer.insert(at, 1, 'x');
    longer[at - 4] = 1; // 8193, little-endian
    CHECK(decode_message({1}, longer).error() == storage_errc::corrupt);
}

namespace {

// As the versions before wrote them: a text has its length before it.
std::string octets_of_before(char version, char flags) {
    std::string made{version};
    made += std::string("\x40\xe2\x01\0\0\0\0\0", 8); // arrived
    made += std::string("\x05\0\0\0\0\0\0\0", 8);
    made += flags;
    made += std::string("\x01\0", 2);
    const auto text = [&](std::string_view octets) {
        made += static_cast<char>(octets.size());
        made += std::string("\0\0\0", 3);
        made += octets;
    };
    for (const auto* one : {"a@s.test", "", "S1", "192.0.2.1", "c.test", "ESMTP"}) text(one);
    made += std::string("\x02\0\0\0", 4);
    for (const char route : {'\0', '\1'}) {
        text("u@d.test"), text("U@d.test"), text("");
        made += '\0';
        made += route;
    }
    return made;
}

} // namespace

TEST_CASE("records of the versions before are read as they were meant") {
    const std::pair<char, char> versions[] = {{'\1', '\2'}, {'\2', '\6'}, {'\2', '\12'}};
    for (const auto& [version, flags] : versions) {
        const auto record = octets_of_before(version, flags);
        const auto read = decode_message({7}, record);
        REQUIRE(read.has_value());
        CHECK(read->arrived == 123456);
        CHECK(read->size == 5);
        CHECK(read->smtputf8);
        CHECK(read->sender == "a@s.test");
        CHECK(read->protocol == "ESMTP");
        CHECK(read->proof == (flags == '\2'   ? sender_proof::unknown
                              : flags == '\6' ? sender_proof::proved
                                              : sender_proof::unproved));
        REQUIRE(read->recipients.size() == 2);
        CHECK(read->recipients[1].route == recipient_route::outside);
        CHECK(read->recipients[1].original == "U@d.test");
        CHECK_FALSE((read->recipients[0].junk || read->recipients[1].junk));
        CHECK(read->result_fields.empty());
        CHECK(encode_message(*read) == record); // and written so: an older server may come back
    }
}

TEST_CASE("a huge count or length in a small record reserves nothing") {
    const queued_message message = message_of(1);
    const std::string fixed = encode_message(message), states = encode_states(message);
    const std::size_t sender_length = 1 + 8 + 8 + 3;
    std::string huge = fixed;
    huge.replace(sender_length, 4, "\xff\xff\xff\xff");
    CHECK(decode_message({1}, huge).error() == storage_errc::corrupt);
    queued_message into = message;
    huge = states;
    huge.replace(10, 4, "\xff\xff\xff\xff");
    CHECK(decode_states(huge, into).error() == storage_errc::corrupt);
}

TEST_CASE("values without a meaning are corrupt") {
    const queued_message message = message_of(1);
    const std::string fixed = encode_message(message), states = encode_states(message);
    queued_message into = message;
    for (const std::size_t at : {17U, 18U, 19U}) { // flags, body_type, ret
        CHECK(decode_message({1}, with(fixed, at, 9)).error() == storage_errc::corrupt);
    }
    CHECK(decode_message({1}, with(fixed, fixed.size() - 1, 2)).error() == storage_errc::corrupt);  // route
    CHECK(decode_message({1}, with(fixed, fixed.size() - 2, 16)).error() == storage_errc::corrupt); // notify
    CHECK(decode_states(with(states, 1, 2), into).error() == storage_errc::corrupt);                // waits
    CHECK(decode_states(with(states, 14, 3), into).error() == storage_errc::corrupt);               // state
}

TEST_CASE("states that belong to another message or another time due are corrupt") {
    const queued_message one = message_of(1);
    queued_message two = full_message();
    CHECK(decode_states(encode_states(one), two).error() == storage_errc::corrupt);
    const std::string states = encode_states(one);
    queued_message into = one;
    CHECK(decode_states(with(states, 2, static_cast<char>(states[2] ^ 1)), into).error() ==
          storage_errc::corrupt);
    CHECK(decode_states(with(states, 1, 0), into).error() == storage_errc::corrupt);
}

TEST_CASE("a reply longer than its limit is cut, not refused: a peer chose its length") {
    queued_message message = message_of(1);
    message.recipients[0].last_reply = std::string(10'000, 'x');
    queued_message into = message;
    REQUIRE(decode_states(encode_states(message), into));
    CHECK(into.recipients[0].last_reply == std::string(last_reply_max, 'x'));
}

TEST_CASE("a message is due when its earliest waiting recipient is") {
    queued_message message = full_message();
    message.recipients.push_back(message.recipients[0]);
    message.recipients[2].next_try = 500;
    CHECK(due_time(message) == 500);
    message.recipients[2].state = recipient_state::delivered;
    CHECK(due_time(message) == 1000);
    message.recipients[0].state = recipient_state::delivered;
    CHECK_FALSE(due_time(message));
}

TEST_CASE("whose account sent a message is read as it was written, and without one the record is as before") {
    queued_message message = full_message();
    const auto before = encode_message(message);
    message.account = "jan.novak@firma.test";
    const auto octets = encode_message(message);
    CHECK(octets.front() == 4);
    CHECK(before.front() < 4);
    const auto read = decode_message({1}, octets);
    REQUIRE(read.has_value());
    CHECK(read->account == message.account);
    CHECK(encode_message(*read) == octets);
    CHECK(decode_message({1}, with(before, 0, 4)).error() == storage_errc::corrupt);
}
