#include "lathe/sandbox/guarantees.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <fstream>
#include <sstream>
#include <string>

#include "lathe/sandbox/probes.h"

namespace lathe::sandbox {
namespace {

std::string cell(const Keeping& keeping) {
  const std::string note(keeping.note);
  switch (keeping.holds) {
    case Holds::kYes:
      return note.empty() ? "yes" : "yes: " + note;
    case Holds::kPartly:
      return note;
    case Holds::kNo:
      return "no: " + note;
  }
  return {};
}

std::string row(const Guarantee& guarantee) {
  return "| " + std::string(guarantee.text) + " | " + cell(guarantee.full) + " | " + cell(guarantee.namespaces) +
         " | " + cell(guarantee.landlock) + " |\n";
}

TEST(Guarantees, StandInTheDocumentAsInTheCode) {
  std::ostringstream document;
  document << std::ifstream(LATHE_SOURCE_DIR "/docs/ARCHITECTURE.md").rdbuf();
  for (const Guarantee& guarantee : kGuarantees) {
    EXPECT_THAT(document.str(), ::testing::HasSubstr(row(guarantee)));
  }
}

TEST(Guarantees, AreProvenByProbes) {
  for (const Guarantee& guarantee : kGuarantees) {
    const bool probed =
        std::ranges::any_of(kProbes, [&](const Probe& probe) { return probe.guarantee == guarantee.id; });
    EXPECT_TRUE(probed) << guarantee.id;
  }
  for (const Probe& probe : kProbes) {
    const auto proven = [&](const Guarantee& guarantee) { return guarantee.id == probe.guarantee; };
    const auto* at = std::ranges::find_if(kGuarantees, proven);
    ASSERT_NE(at, kGuarantees.end()) << probe.id;
    // A level that keeps the whole of a guarantee has to refuse each of its probes.
    for (const Level level : kLevels) {
      if (keeping(*at, level).holds == Holds::kYes) EXPECT_TRUE(must_hold(probe, level, 1)) << probe.id;
      if (keeping(*at, level).holds == Holds::kNo) EXPECT_FALSE(must_hold(probe, level, 99)) << probe.id;
    }
  }
}

}  // namespace
}  // namespace lathe::sandbox
