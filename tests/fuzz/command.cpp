// One command line through everything that may read it: nothing is read outside it, what is accepted is
// canonical (writing and reading it again gives the same), and what is shown of it is harmless.
#include "protocol/smtp/extension.hpp"
#include "protocol/smtp/reply.hpp"

#include "tests/fuzz/split.hpp"

using namespace postern::protocol;
using namespace postern::fuzz;

namespace {

bool lies_within(std::string_view part, std::string_view whole) {
    return part.empty() ||
           (part.data() >= whole.data() && part.data() + part.size() <= whole.data() + whole.size());
}

template <class Value> bool sound(const postern::result<Value, parse_error>& parsed, std::string_view input) {
    if (parsed.has_error()) require(parsed.error().offset <= input.size());
    return parsed.has_value();
}

void check_address(const address& mailbox) {
    require(!mailbox.local.empty() && mailbox.local.find('\0') == std::string::npos);
    require(is_printable(mailbox.local) && is_printable(mailbox.folded()));
    if (mailbox.domain.empty()) return require(mailbox.local == "postmaster");
    const std::string written = mailbox.to_string();
    require(written.size() + 2 <= 256);
    const auto again = parse_address(written);
    require(again.has_value() && *again == mailbox && again->to_string() == written);
    if (mailbox.is_literal()) return require(*canonical_literal(mailbox.domain) == mailbox.domain);
    require(is_ldh_domain(mailbox.domain));
    require(*canonical_domain(mailbox.domain, unicode::refuse) == mailbox.domain);
}

void check_parameters(std::string_view text) {
    const auto parameters = parse_parameters(text);
    if (!sound(parameters, text)) return;
    require(parameters->size() <= parameters_max);
    for (const parameter& each : *parameters) {
        require(lies_within(each.keyword, text) && !each.keyword.empty());
        require(!each.value || (lies_within(*each.value, text) && !each.value->empty()));
    }
    envelope mail;
    recipient rcpt;
    if (apply_mail_parameters(*parameters, mail).has_value()) require(is_printable(mail.envelope_id));
    if (apply_rcpt_parameters(*parameters, rcpt).has_value()) require(is_printable(rcpt.original));
}

void check_path(std::string_view text, path_kind kind, unicode non_ascii) {
    const auto path = parse_path(text, kind, non_ascii);
    if (!sound(path, text)) return;
    require(path->length >= 2 && path->length <= 256 && path->length <= text.size());
    require(text[path->length - 1] == '>');
    require(kind == path_kind::reverse || path->mailbox);
    if (non_ascii == unicode::refuse) require(!path->utf8 && is_ascii(text.substr(0, path->length)));
    if (path->mailbox) check_address(*path->mailbox);
    check_parameters(text.substr(path->length));
}

void check_texts(std::string_view text) {
    for (const std::size_t max :
         {std::size_t{0}, std::size_t{2}, std::size_t{7}, std::size_t{80}, text.size()}) {
        const std::string shown = printable(text, max);
        require(shown.size() <= max && is_printable(shown) && is_valid_utf8(shown));
    }
    require(is_printable(text) == (printable(text, text.size()) == text));
    std::string wire;
    append_reply(wire, {550, {5, 1, 1}, std::string(text)});
    for (std::string_view rest = wire; !rest.empty();) {
        const std::size_t end = rest.find("\r\n");
        require(end != std::string_view::npos && end <= 510 && is_printable(rest.substr(0, end)));
        require(rest.starts_with("550"));
        rest.remove_prefix(end + 2);
    }
    if (const auto decoded = decode_xtext(text); sound(decoded, text))
        require(*decode_xtext(encode_xtext(*decoded)) == *decoded);
}

void check_names(std::string_view text) {
    if (const auto helo = parse_helo(text); sound(helo, text)) require(helo->name == text && is_ascii(text));
    if (const auto domain = canonical_domain(text, unicode::allow); sound(domain, text))
        require(*canonical_domain(*domain, unicode::refuse) == *domain && is_ldh_domain(*domain));
    if (const auto mailbox = parse_address(text); sound(mailbox, text)) check_address(*mailbox);
    if (const auto literal = canonical_literal(text); sound(literal, text))
        require(*canonical_literal(*literal) == *literal);
    if (const auto bdat = parse_bdat(text); sound(bdat, text))
        require(text.front() >= '0' && text.front() <= '9');
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string_view line = as_text(data, size);
    const command split = split_command(line);
    require(lies_within(split.name, line) && lies_within(split.argument, line));
    require((split.what == verb::foreign) == looks_foreign(line));
    if (split.what < verb::unimplemented) require(is_ascii(split.name) && is_printable(split.name));
    for (const std::string_view keyword : {"FROM", "TO"}) {
        const auto rest = after_keyword(split.argument, keyword);
        if (!sound(rest, split.argument)) continue;
        check_path(*rest, path_kind::reverse, unicode::allow);
        check_path(*rest, path_kind::forward, unicode::refuse);
        check_path(*rest, path_kind::forward, unicode::allow);
    }
    check_parameters(line);
    check_names(split.argument);
    check_texts(line);
    return 0;
}
