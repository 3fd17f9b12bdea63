#include "lathe/daemon/client_groups.h"

#include <gtest/gtest.h>

namespace lathe::daemon {
namespace {

using base::UserGroups;

const UserGroups kOurs{.primary = 100, .others = {4, 27}};
const UserGroups kOthers{.primary = 100, .others = {4, 27, 998}};

TEST(ClientGroups, TheDaemonsOwnNeedNothing) {
  for (const bool may_set : {false, true}) {
    const auto same = groups_to_use(kOurs, kOurs, may_set);
    ASSERT_TRUE(same.ok());
    EXPECT_FALSE(same->has_value());
  }
}

TEST(ClientGroups, OthersAreTakenWhereThatIsAllowedAndElseRefused) {
  const auto taken = groups_to_use(kOurs, kOthers, /*may_set=*/true);
  ASSERT_TRUE(taken.ok());
  EXPECT_EQ(*taken, kOthers);
  const auto refused = groups_to_use(kOurs, kOthers, /*may_set=*/false);
  ASSERT_FALSE(refused.ok());
  EXPECT_EQ(refused.error().code, base::codes::kPermission);
  EXPECT_NE(refused.error().message.find("100 4 27 998"), std::string::npos);
  EXPECT_NE(refused.error().hint.find("--embedded"), std::string::npos);
}

}  // namespace
}  // namespace lathe::daemon
