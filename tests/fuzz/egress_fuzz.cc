#include <string>

#include "fuzz.h"
#include "lathe/egress/host_rules.h"
#include "lathe/egress/request_head.h"

namespace {

using lathe::egress::HostRules;
using lathe::egress::ProxyRequest;

/// What a resolver that stops at a NUL, or a reader that takes a line break for an end, makes of the text.
std::string_view as_others_read_it(std::string_view text) { return text.substr(0, text.find_first_of({"\0\r\n ", 4})); }

void check_host(std::string_view text) {
  // The canary takes NULs for nothing, as a check of the suffix alone would.
  std::string read(text);
  if (lathe::fuzz::kCanary) std::erase(read, '\0');
  const auto host = lathe::egress::canonical_host(read);
  if (!host.ok()) {
    for (const char c : host.error().text()) FUZZ_REQUIRE(static_cast<unsigned char>(c) >= 0x20);
    return;
  }
  // One reading: the form of the form is itself, and a suffix rule sees the whole name that a resolver sees.
  const auto again = lathe::egress::canonical_host(host->in_url());
  FUZZ_REQUIRE(again.ok() && *again == *host);
  FUZZ_REQUIRE(as_others_read_it(text) == text);
  FUZZ_REQUIRE(host->name.size() <= lathe::egress::kMaxHostBytes);
  static const HostRules kRules = *HostRules::parse(std::vector<std::string>{"*.allowed.com", "localhost"});
  const auto rule = kRules.match(*host);
  if (rule == "*.allowed.com") FUZZ_REQUIRE(host->name.ends_with(".allowed.com") && !host->address);
  if (host->address && kRules.check_addresses(*host, {&*host->address, 1}).ok()) {
    FUZZ_REQUIRE(reach_of(*host->address) == lathe::egress::Reach::kPublic);
  }
}

void check_head(std::string_view head) {
  const auto request = lathe::egress::parse_request_head(head);
  if (!request.ok()) return;
  FUZZ_REQUIRE(request->target.port != 0);
  check_host(request->target.host.in_url());
  const std::string& sent = request->head_for_server;
  if (request->kind == ProxyRequest::Kind::kTunnel) return;
  // Exactly one head goes on, it ends once, and it reads to the same target and length.
  FUZZ_REQUIRE(sent.find("\r\n\r\n") == sent.size() - 4);
  FUZZ_REQUIRE(sent.find('\0') == std::string::npos);
  const std::size_t path_at = sent.find(' ') + 1;
  std::string absolute = sent.substr(0, sent.size() - 4);
  absolute.insert(path_at, "http://" + request->target.text());
  const auto again = lathe::egress::parse_request_head(absolute);
  FUZZ_REQUIRE(again.ok());
  FUZZ_REQUIRE(again->target == request->target && again->body_bytes == request->body_bytes);
}

}  // namespace

// The first byte picks the parser: host names, or heads of requests.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view input(reinterpret_cast<const char*>(data), size);
  if (input.empty()) return 0;
  if (input.front() % 2 == 0) {
    check_host(input.substr(1));
  } else {
    check_head(input.substr(1));
  }
  return 0;
}
