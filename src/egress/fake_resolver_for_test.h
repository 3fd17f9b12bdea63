#pragma once

#include <functional>
#include <map>
#include <string>
#include <vector>

#include "lathe/egress/resolver.h"

namespace lathe::egress {

/// Names to addresses as a test says.
class FakeResolver final : public Resolver {
 public:
  std::map<std::string, std::vector<std::string>> addresses;
  std::vector<std::string> asked;
  /// Called after each look-up; may change the answers.
  std::function<void()> after = {};

  runtime::Async<base::Result<std::vector<Address>>> resolve(Host host, runtime::CancelToken) override {
    asked.push_back(host.name);
    if (host.address) co_return std::vector<Address>{*host.address};
    std::vector<Address> found;
    for (const std::string& text : addresses[host.name]) found.push_back(*Address::parse(text));
    if (after) after();
    if (found.empty()) co_return base::Error{.code = "unreachable", .message = "cannot find the host " + host.name};
    co_return found;
  }
};

}  // namespace lathe::egress
