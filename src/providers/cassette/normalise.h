#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "lathe/base/json.h"

// What may differ between a recording and its replay without meaning anything. Each normaliser has a name that the
// tape's header lists; both sides are rewritten before they are compared, never what the model or the tape holds.

namespace lathe::providers::cassette {

/// Folders of one run that stand for themselves: {cwd} and {tmp}.
struct Places {
  std::string cwd;
  std::string temp_dir = "/tmp";
  friend bool operator==(const Places&, const Places&) = default;
};

/// paths: the working folder becomes {cwd}; the temporary folder and the name below it become {tmp}.
/// times: dates and times of day become {time}.
/// ids: UUIDs, and names such as call_x7… or toolu_…, become {id}.
/// durations: "12ms", "0.35 s", "2 seconds" become {duration}.
[[nodiscard]] std::vector<std::string> all_normalisers();
/// `text` after the named normalisers; unknown names are ignored.
[[nodiscard]] std::string normalise(std::string_view text, const Places& places,
                                    const std::vector<std::string>& normalisers);
/// Every string inside, names of members left as they are.
[[nodiscard]] base::Json normalise_strings(base::Json value, const Places& places,
                                           const std::vector<std::string>& normalisers);

}  // namespace lathe::providers::cassette
