#include "lathe/egress/host_rules.h"

#include <fmt/format.h>

namespace lathe::egress {

using base::Error;
using base::Result;

Result<HostRules> HostRules::parse(std::span<const std::string> rules) {
  HostRules parsed;
  for (const std::string& text : rules) {
    const auto wrong = [&](std::string_view what) {
      return Error{.code = base::codes::kInvalid,
                   .message = fmt::format("the host rule \"{}\" {}", text, what),
                   .hint = "write a name such as pypi.org, *.pypi.org for all below it, or an address"};
    };
    if (text == "*" || text == "*.") return wrong("would allow every host; that is network \"open\"");
    const bool suffix = text.starts_with("*.");
    auto host = canonical_host(suffix ? std::string_view(text).substr(2) : std::string_view(text));
    if (!host.ok()) return wrong(fmt::format("names no host: {}", host.error().message));
    if (suffix && host->address) return wrong("puts \"*.\" before an address");
    parsed.rules_.push_back({.text = (suffix ? "*." : "") + host->name,
                             .suffix = suffix ? "." + host->name : "",
                             .host = *std::move(host)});
  }
  return parsed;
}

std::optional<std::string> HostRules::match(const Host& host) const {
  for (const Rule& rule : rules_) {
    const bool below = !rule.suffix.empty() && !host.address && host.name.ends_with(rule.suffix) &&
                       host.name.size() > rule.suffix.size();
    if (below || (rule.suffix.empty() && rule.host == host)) return rule.text;
  }
  return std::nullopt;
}

bool HostRules::names(const Host& host, const Address& address) const {
  for (const Rule& rule : rules_) {
    if (rule.host.address == address) return true;
    const bool localhost = rule.text == "localhost" && host.name == "localhost";
    if (localhost && reach_of(address) == Reach::kLoopback) return true;
  }
  return false;
}

Result<void> HostRules::check_addresses(const Host& host, std::span<const Address> addresses) const {
  for (const Address& address : addresses) {
    const Reach reach = reach_of(address);
    if (reach == Reach::kPublic || names(host, address)) continue;
    const std::string which = host.address
                                  ? fmt::format("{} is {}", host.name, describe(reach))
                                  : fmt::format("{} leads to {}, {}", host.name, address.text(), describe(reach));
    return Error{.code = base::codes::kPermission,
                 .message = which,
                 .hint = fmt::format("only a person can open it, with --allow-host {}", address.text())};
  }
  return {};
}

}  // namespace lathe::egress
