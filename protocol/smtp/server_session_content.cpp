// DATA and BDAT: content is read to its true end whatever is wrong with it, so that the session stays in
// step; the verdict comes after the end. Content that is refused already is thrown away as it comes.
#include "protocol/smtp/server_session.hpp"

#include <algorithm>

namespace postern::protocol {
namespace {

constexpr std::uint64_t text_line_max = 998; // RFC 5322 §2.1.1: octets without CRLF

} // namespace

void server_session::do_data(const command& what) {
    if (!no_argument(what)) return;
    if (more_input_behind_) return refuse(reply_id::pipelined_data);
    if (now().envelope.body == body_type::binary_mime) return refuse(reply_id::data_needs_chunking);
    now().by_chunks = false;
    want(step::open_message);
}

void server_session::do_bdat(const command& what) {
    const auto chunk = parse_bdat(what.argument);
    if (!chunk) return refuse(reply_id::bdat_syntax);
    chunk_left_ = chunk_size_ = chunk->size;
    chunk_last_ = chunk->last;
    chunk_refused_ = state_ != state::rcpt && state_ != state::chunking;
    if (chunk_refused_ || message_open_) return begin_chunk();
    now().by_chunks = true;
    state_ = state::chunking;
    want(step::open_message);
}

void server_session::on_message_opened(std::string id, std::int64_t unix_seconds, std::string fields) {
    wanted_ = step::read;
    message_open_ = true;
    now().id = std::move(id);
    received_facts facts;
    facts.helo = helo_.name;
    facts.helo_well_formed = helo_.well_formed;
    facts.client = client_;
    facts.by = settings_.hostname;
    facts.with = protocol_name();
    facts.tls = tls_facts_;
    facts.id = now().id;
    facts.when = unix_seconds;
    facts.hides_client = settings_.hide_client && !account_.empty();
    std::string only;
    if (now().envelope.recipients.size() == 1) only = now().envelope.recipients.front().mailbox.to_string();
    facts.only_recipient = only;
    now().body = std::move(fields) + received_field(facts);
    now().fields_before = now().body.size();
    now().forged.emplace(forged_fields(names_of_ours(), settings_.drop_spam_marks,
                                       account_.empty() ? blind_copies::stay : blind_copies::go));
    if (now().by_chunks) return begin_chunk();
    phase_ = phase::data;
    say(reply_id::start_data);
}

// The listener's own name is always among them, whatever a reload did.
field_filter::owners server_session::names_of_ours() const {
    auto own = to_lower(std::string_view(settings_.hostname));
    const auto& all = settings_.results_of;
    if (all && std::find(all->begin(), all->end(), own) != all->end()) return all;
    auto made = all ? *all : std::vector<std::string>();
    made.push_back(std::move(own));
    return std::make_shared<const std::vector<std::string>>(std::move(made));
}

std::size_t server_session::consume_data(std::string_view input) {
    const auto before = now().body.size();
    const auto got = now().decoder.feed(
        input, now().body, now().fault ? data_decoder::keep::discard : data_decoder::keep::store);
    looked_at(std::string_view(now().body).substr(before));
    without_forged_fields(before);
    if (got.finished)
        end_of_message();
    else if (now().body.size() > settings_.body_block)
        want(step::store);
    return got.consumed;
}

void server_session::begin_chunk() {
    if (!chunk_refused_ && ++now().chunk_count > chunks_max) {
        refuse(reply_id::too_many_chunks, {std::to_string(chunks_max)});
        return reset_transaction();
    }
    phase_ = phase::chunk;
    if (chunk_left_ == 0) end_of_chunk();
}

std::size_t server_session::consume_chunk(std::string_view input) {
    const auto part =
        input.substr(0, static_cast<std::size_t>(std::min<std::uint64_t>(chunk_left_, input.size())));
    if (!chunk_refused_) {
        now().chunks.feed(part);
        const auto before = now().body.size();
        if (!now().fault) now().body.append(part);
        looked_at(part);
        without_forged_fields(before);
    }
    chunk_left_ -= part.size();
    if (chunk_left_ == 0)
        end_of_chunk();
    else if (now().body.size() > settings_.body_block)
        want(step::store);
    return part.size();
}

void server_session::end_of_chunk() {
    phase_ = phase::command;
    if (chunk_refused_) return refuse(reply_id::bdat_out_of_place);
    if (chunk_last_) {
        now().chunks.finish();
        return end_of_message();
    }
    // RFC 3030 §2: a failed chunk fails the transaction; the chunks pipelined behind it are swallowed with
    // 503.
    if (const auto fault = content_fault()) {
        refuse(*fault, refused_thing::message);
        return reset_transaction();
    }
    if (now().body.size() > settings_.body_block) want(step::store);
    say(reply_id::chunk_ok, {std::to_string(chunk_size_)});
}

// Looks at what came in and decides whether more of it needs keeping.
void server_session::looked_at(std::string_view fresh) {
    if (!now().header.finished()) now().header.feed(fresh);
    if (now().fault) return;
    if (!content_fault()) return;
    now().fault = true;
    std::string().swap(now().body);
}

// RFC 8601 §5: Authentication-Results that name us and aren't ours would be believed further in. So would
// marks of spam.
void server_session::without_forged_fields(std::size_t from) {
    if (now().fault || !now().forged || now().forged->in_body()) return;
    const std::string fresh = now().body.substr(from);
    now().body.resize(from);
    now().forged->feed(fresh, now().body);
}

bool server_session::over_limits() const { return content().size > settings_.max_message_size; }

std::optional<reply> server_session::content_fault() const {
    const auto& facts = content();
    const bool binary = now().envelope.body == body_type::binary_mime;
    if (over_limits())
        return make_reply(reply_id::message_too_big, {std::to_string(settings_.max_message_size)});
    // RFC 3030 §3: the header of a BINARYMIME message is lines all the same.
    const auto& header = now().header;
    if (header.has_bare_line_end() || (facts.bare_line_end && !binary))
        return make_reply(reply_id::bare_line_end);
    if (header.has_nul() || (facts.nul && !binary)) return make_reply(reply_id::nul_in_message);
    if (settings_.max_text_line != 0 && facts.longest_line > settings_.max_text_line && !binary)
        return make_reply(reply_id::text_line_too_long, {std::to_string(settings_.max_text_line)});
    if (now().header.size() > settings_.max_header_size)
        return make_reply(reply_id::header_too_big, {std::to_string(settings_.max_header_size)});
    if (now().header.received() > settings_.max_received)
        return make_reply(reply_id::mail_loop,
                          {std::to_string(now().header.received()) + " Received fields"});
    // What was thrown away can't be accepted, whatever else is found.
    if (now().fault && !now().store_fault) return make_reply(reply_id::not_kept);
    return now().store_fault;
}

void server_session::end_of_message() {
    phase_ = phase::command;
    stage_ = "END-OF-MESSAGE";
    now().header.end();
    if (const auto fault = content_fault()) {
        refuse(*fault, refused_thing::message);
        return reset_transaction();
    }
    if (now().forged) now().forged->finish(now().body);
    question_ = question_stage::content;
    want(step::ask);
}

// Text that came as BINARYMIME is text (RFC 3030 §3), and can go to a server without BINARYMIME. Whether it
// has 8 bits its octets say, whatever its sender said.
body_type server_session::body_needed() const {
    const auto& facts = content();
    const bool lines = !facts.bare_line_end && !facts.nul && facts.longest_line <= text_line_max;
    if (now().envelope.body == body_type::binary_mime && !lines) return body_type::binary_mime;
    return facts.eight_bit ? body_type::eight_bit_mime : body_type::seven_bit;
}

// RFC 6531 §3.6: the parameter alone makes no internationalized message. UTF-8 in the header, or in that of a
// part of the body, does; the body's parts are not told apart here.
bool server_session::smtputf8_needed() const {
    const auto& envelope = now().envelope;
    return envelope.smtputf8 &&
           (content().eight_bit || !is_ascii(envelope.sender_text()) ||
            std::any_of(envelope.recipients.begin(), envelope.recipients.end(), [](const recipient& to) {
                return !is_ascii(to.mailbox.to_string()) || !is_ascii(to.original);
            }));
}

void server_session::decided_content(verdict_answer& answer) {
    if (answer.what == verdict_answer::kind::refuse) {
        refuse(answer.with, refused_thing::message);
        return reset_transaction();
    }
    if (!answer.of_recipients.empty()) return decided_for_each(std::move(answer.of_recipients));
    want(step::commit);
}

void server_session::on_stored(verdict_answer kept, std::string recycled) {
    wanted_ = step::read;
    recycled.clear();
    if (now().body.empty()) now().body = std::move(recycled);
    if (kept.what == verdict_answer::kind::accept) return;
    std::string().swap(now().body); // perhaps nobody took it
    now().fault = true;
    now().store_fault = std::move(kept.with);
}

// The only place where a message is acknowledged: after the queue said that it is durable.
void server_session::on_commit(verdict_answer kept) {
    wanted_ = step::read;
    message_open_ = false;
    if (kept.what == verdict_answer::kind::accept) {
        ++messages_;
        junk_ = 0;
    }
    if (!now().answers.empty()) return answer_each(kept);
    if (kept.what == verdict_answer::kind::accept) {
        say(reply_id::queued, {now().id});
    } else {
        refuse(kept.with, refused_thing::message);
    }
    reset_transaction();
}

} // namespace postern::protocol
