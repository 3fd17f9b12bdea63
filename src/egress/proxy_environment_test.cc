#include "lathe/egress/proxy_environment.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace lathe::egress {
namespace {

using ::testing::ElementsAre;

TEST(ProxyEnvironment, GoesPastTheProxyOnLoopbackUnlessAPersonNamesIt) {
  const auto past_the_proxy = [](std::vector<std::string> rules) {
    const std::vector<std::string> variables = proxy_environment(3128, *HostRules::parse(rules));
    return std::vector(variables.end() - 2, variables.end());
  };
  EXPECT_THAT(past_the_proxy({"*.example.com"}),
              ElementsAre("NO_PROXY=localhost,127.0.0.1,::1", "no_proxy=localhost,127.0.0.1,::1"));
  EXPECT_THAT(past_the_proxy({"127.0.0.1", "localhost"}), ElementsAre("NO_PROXY=::1", "no_proxy=::1"));
}

}  // namespace
}  // namespace lathe::egress
