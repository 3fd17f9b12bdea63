#include "lathe/formats/decode.h"

#include <gtest/gtest.h>

#include "lathe/formats/read.h"

namespace lathe::formats {
namespace {

struct Task {
  std::string id;
  std::int64_t retries = 3;
  friend bool operator==(const Task&, const Task&) = default;
};

bool decode(const Node& node, Task& out, Problems& problems) {
  MapReader map(node, problems);
  const bool good = map.required("id", out.id);
  map.optional("max-retries", out.retries);
  map.finish();
  return good;
}

struct Decoded {
  std::vector<Task> tasks;
  std::chrono::milliseconds timeout{0};
  std::string mode = "fast";
  std::vector<std::string> errors;
  std::vector<std::string> warnings;
};

Decoded decode_text(std::string_view text, MapReader::Unknown unknown = MapReader::Unknown::kError) {
  const auto document = read_yaml(text, "c.yaml");
  EXPECT_TRUE(document.ok());
  Problems problems("c.yaml");
  Decoded out;
  MapReader map(document->root, problems);
  map.optional("tasks", out.tasks);
  map.optional("time-out", out.timeout);
  map.optional_choice("mode", {"fast", "careful"}, out.mode);
  map.finish(unknown);
  for (const auto& error : problems.errors()) out.errors.push_back(error.text());
  for (const auto& warning : problems.warnings()) out.warnings.push_back(warning.text());
  return out;
}

TEST(Decode, ReadsStructsListsAndDurations) {
  const Decoded out = decode_text("tasks:\n  - {id: a}\n  - {id: b, max_retries: 0}\ntime_out: 1m\nmode: careful\n");
  EXPECT_EQ(out.errors, std::vector<std::string>{});
  EXPECT_EQ(out.tasks, (std::vector<Task>{{"a", 3}, {"b", 0}}));
  EXPECT_EQ(out.timeout, std::chrono::minutes(1));
  EXPECT_EQ(out.mode, "careful");
}

TEST(Decode, CollectsEverythingThatIsWrongWithItsPlace) {
  const Decoded out =
      decode_text("tasks:\n  - {id: 7}\n  - {max-retrys: 1}\ntime-out: 5\nmode: carefull\nmdoe: fast\n");
  EXPECT_EQ(out.errors, (std::vector<std::string>{
                            "c.yaml:2:10: expected text, not a number (put it in quotes)",
                            "c.yaml:3:5: \"id\" is missing",
                            "c.yaml:3:6: \"max-retrys\" is not a known key (did you mean \"max-retries\"?)",
                            "c.yaml:4:11: expected a duration, not a number (such as 15s, 5m or 1h30m)",
                            "c.yaml:5:7: \"carefull\" is not known (did you mean \"careful\"?)",
                            "c.yaml:6:1: \"mdoe\" is not a known key (did you mean \"mode\"?)",
                        }));
  EXPECT_TRUE(out.tasks.empty());
}

TEST(Decode, SuggestionsJoinWordsLikeTheFileAndUnknownKeysMayBeWarnings) {
  const Decoded out = decode_text("time_uot: 1s\n", MapReader::Unknown::kWarning);
  EXPECT_EQ(out.errors, std::vector<std::string>{});
  EXPECT_EQ(out.warnings,
            (std::vector<std::string>{"c.yaml:1:1: \"time_uot\" is not a known key (did you mean \"time_out\"?)"}));
}

TEST(Decode, TwoSpellingsOfOneKeyAndAnythingButAMapAreErrors) {
  EXPECT_EQ(decode_text("time-out: 1s\ntime_out: 2s\n").errors,
            (std::vector<std::string>{"c.yaml:2:1: \"time-out\" and \"time_out\" are the same key"}));
  EXPECT_EQ(decode_text("[1]").errors, (std::vector<std::string>{"c.yaml:1:1: expected a map, not a list"}));
  EXPECT_EQ(decode_text("").errors, std::vector<std::string>{});
}

TEST(Decode, AllErrorsAreOneResult) {
  Problems problems("c.yaml");
  EXPECT_TRUE(problems.result().ok());
  problems.error({1, 2}, "first", "fix it");
  EXPECT_EQ(problems.result().error().hint, "fix it");
  problems.error({3, 4}, "second");
  EXPECT_EQ(problems.result().error().text(), "c.yaml:1:2: first (fix it)\nc.yaml:3:4: second");
}

}  // namespace
}  // namespace lathe::formats
