#include "lathe/base/ids.h"

#include <gtest/gtest.h>

#include "lathe/base/hash.h"

namespace lathe::base {
namespace {

TEST(Uuid7, SortsByTimeAndIsWellFormed) {
  SeededRandom random(1);
  const std::string early = uuid7(1'795'166'076'124, random);
  const std::string late = uuid7(1'795'166'076'125, random);
  EXPECT_TRUE(is_uuid(early)) << early;
  EXPECT_EQ(time_of_uuid7(early), 1'795'166'076'124);
  EXPECT_LT(early, late);
  EXPECT_EQ(early[14], '7');
  EXPECT_NE(std::string("89ab").find(early[19]), std::string::npos);
}

TEST(Uuid7, RefusesOtherText) {
  EXPECT_FALSE(is_uuid(""));
  EXPECT_FALSE(is_uuid("0190a5b4-0000-7000-8000-00000000000G"));
  EXPECT_FALSE(is_uuid("0190A5B4-0000-7000-8000-000000000000"));
}

TEST(ShortId, HasPrefixAndDiffers) {
  SystemRandom random;
  const std::string a = short_id("call", random);
  EXPECT_TRUE(a.starts_with("call_"));
  EXPECT_EQ(a.size(), 21U);
  EXPECT_NE(a, short_id("call", random));
}

TEST(ItemId, IsShortAndDiffers) {
  SystemRandom random;
  const std::string a = item_id("m", random);
  EXPECT_TRUE(a.starts_with("m"));
  EXPECT_EQ(a.size(), 9U) << "160 bytes around the text of a delta rest on it";
  EXPECT_NE(a, item_id("m", random));
}

TEST(Crc32c, MatchesKnownValue) {
  EXPECT_EQ(crc32c("123456789"), 0xe3069283U);
  EXPECT_EQ(hex8(0xe3069283U), "e3069283");
  EXPECT_EQ(crc32c(""), 0U);
}

}  // namespace
}  // namespace lathe::base
