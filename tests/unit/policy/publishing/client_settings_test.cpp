#include "policy/publishing/client_settings.hpp"

#include "tests/unit/policy/publishing/bench.hpp"

#include <fmt/format.h>

using namespace postern;
using namespace postern::policy;
using Catch::Contains;
using test::configured;

namespace {

const std::string host = "[autoconfig]\nhost = \"{domain--}.mx.example.net\"\n";

std::string shown(const client_settings& settings) {
    constexpr std::string_view protocols[] = {"smtp", "imap", "pop3"};
    std::string text;
    for (const auto& one : settings.services)
        text += fmt::format("{} {}:{} {}\n", protocols[static_cast<std::size_t>(one.protocol)], one.host,
                            one.port, one.security == mail_security::tls ? "tls" : "starttls");
    return text;
}

std::string told(const std::string& toml, const std::string& domain = "firma.cz") {
    return shown(client_settings_of(configured(toml), domain, domain));
}

} // namespace

TEST_CASE("clients send to the domain's own name, by TLS and then by STARTTLS", "[publishing]") {
    CHECK(told(host) ==
          "smtp firma--cz.mx.example.net:465 tls\nsmtp firma--cz.mx.example.net:587 starttls\n");
    CHECK(told("[autoconfig]\nhost = \"smtp.{domain}\"\n") ==
          "smtp smtp.firma.cz:465 tls\nsmtp smtp.firma.cz:587 starttls\n");
    CHECK(told("") == "smtp mx1.example.net:465 tls\nsmtp mx1.example.net:587 starttls\n");
}

TEST_CASE("a listener without TLS, or at any port, is not told of; its own name is", "[publishing]") {
    auto config = configured();
    config.listeners[0].hostname = "smtp.example.net";
    config.listeners[1].tls = conf::tls_mode::off;
    CHECK(shown(client_settings_of(config, "firma.cz", "firma.cz")) == "smtp smtp.example.net:465 tls\n");
    config.listeners[0].addresses[0].port = 0;
    CHECK(shown(client_settings_of(config, "firma.cz", "firma.cz")).empty());
}

TEST_CASE("a domain that makes too long a name has the listener's, and nothing of IMAP", "[publishing]") {
    const std::string fits = std::string(59, 'a') + ".cz", is_longer = std::string(60, 'a') + ".cz";
    CHECK(told(host, fits).starts_with("smtp " + std::string(59, 'a') + "--cz.mx.example.net:465"));
    CHECK(told(host + "imap = \"{domain--}.imap.example.net:993\"\n", is_longer) ==
          "smtp mx1.example.net:465 tls\nsmtp mx1.example.net:587 starttls\n");
    CHECK_FALSE(host_for("{domain}.mx.example.net", std::string(60, 'a') + "." + std::string(60, 'b') + "." +
                                                        std::string(60, 'c') + "." + std::string(60, 'd')));
}

TEST_CASE("where they read stands first, with STARTTLS at the ports that begin in plain text",
          "[publishing]") {
    CHECK_THAT(
        told("[autoconfig]\nimap = \"imap.example.net:993\"\npop3 = \"{domain--}.pop.example.net:995\"\n"),
        Catch::StartsWith("imap imap.example.net:993 tls\npop3 firma--cz.pop.example.net:995 tls\nsmtp "));
    CHECK_THAT(told("[autoconfig]\nimap = \"i.example.net:143\"\npop3 = \"p.example.net:110\"\n"),
               Catch::StartsWith("imap i.example.net:143 starttls\npop3 p.example.net:110 starttls\nsmtp "));
    CHECK_THAT(told("[autoconfig]\nimap = \"i.example.net:110\"\npop3 = \"p.example.net:143\"\n"),
               Catch::StartsWith("imap i.example.net:110 tls\npop3 p.example.net:143 tls\nsmtp "));
}

TEST_CASE("the login is the whole address, of an alias domain that in the mailboxes' domain",
          "[publishing]") {
    CHECK(client_settings_of(configured(), "firma.cz", "firma.cz").login == "%EMAILADDRESS%");
    CHECK(client_settings_of(configured(), "firma.eu", "firma.cz").login == "%EMAILLOCALPART%@firma.cz");
}

TEST_CASE("the page is what Thunderbird reads", "[publishing]") {
    const auto config = configured(host + "imap = \"imap.example.net:993\"\nname = \"Firma\"\n");
    CHECK(autoconfig_xml(client_settings_of(config, "firma.cz", "firma.cz")) ==
          R"(<?xml version="1.0" encoding="UTF-8"?>
<clientConfig version="1.1">
  <emailProvider id="firma.cz">
    <domain>firma.cz</domain>
    <displayName>Firma</displayName>
    <displayShortName>Firma</displayShortName>
    <incomingServer type="imap">
      <hostname>imap.example.net</hostname>
      <port>993</port>
      <socketType>SSL</socketType>
      <username>%EMAILADDRESS%</username>
      <authentication>password-cleartext</authentication>
    </incomingServer>
    <outgoingServer type="smtp">
      <hostname>firma--cz.mx.example.net</hostname>
      <port>465</port>
      <socketType>SSL</socketType>
      <username>%EMAILADDRESS%</username>
      <authentication>password-cleartext</authentication>
    </outgoingServer>
    <outgoingServer type="smtp">
      <hostname>firma--cz.mx.example.net</hostname>
      <port>587</port>
      <socketType>STARTTLS</socketType>
      <username>%EMAILADDRESS%</username>
      <authentication>password-cleartext</authentication>
    </outgoingServer>
  </emailProvider>
</clientConfig>
)");
}

TEST_CASE("no name breaks out of the page", "[publishing]") {
    client_settings made;
    made.domain = "a\"><b>&'";
    made.name = "</displayName> & \"spol.\"";
    made.login = "<%>";
    made.services = {{mail_protocol::imap, mail_security::tls, "h<&", 1}};
    const auto xml = autoconfig_xml(made);
    CHECK_THAT(xml, Contains("id=\"a&quot;&gt;&lt;b&gt;&amp;&apos;\""));
    CHECK_THAT(xml, Contains("<displayName>&lt;/displayName&gt; &amp; &quot;spol.&quot;</displayName>"));
    CHECK_THAT(xml, Contains("<hostname>h&lt;&amp;</hostname>"));
    CHECK_THAT(xml, Contains("<username>&lt;%&gt;</username>"));
}
