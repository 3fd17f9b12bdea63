#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "lathe/base/result.h"
#include "lathe/egress/host.h"

namespace lathe::egress {

/// Which hosts may be reached unasked. A rule is a name ("pypi.org"), the names below one ("*.pypi.org", not pypi.org
/// itself), or an address. A value.
///
/// A name says nothing about where it leads: that a name is allowed does not open the private address that someone
/// lets it resolve to. Only an address that stands in the rules itself, or "localhost", opens what is not public.
class HostRules final {
 public:
  HostRules() = default;
  /// `invalid` names the rule: "*" alone, a "*" elsewhere than in front, a port, or no host (host.h).
  [[nodiscard]] static base::Result<HostRules> parse(std::span<const std::string> rules);

  /// The rule that lets this host through, as it was written in its one form.
  [[nodiscard]] std::optional<std::string> match(const Host& host) const;

  /// Whether a connection to `host` may go to all of these addresses: each is public, or named. `permission_denied`
  /// names the first that may not, and what to allow. One that may not refuses the name altogether: a name that leads
  /// inside and outside is not to be trusted.
  [[nodiscard]] base::Result<void> check_addresses(const Host& host, std::span<const Address> addresses) const;

 private:
  struct Rule {
    /// The canonical text, "*." included.
    std::string text;
    /// ".pypi.org" for "*.pypi.org".
    std::string suffix;
    Host host;
  };
  [[nodiscard]] bool names(const Host& host, const Address& address) const;

  std::vector<Rule> rules_;
};

}  // namespace lathe::egress
