#pragma once

#include <chrono>
#include <cstdint>
#include <limits>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "lathe/base/result.h"
#include "lathe/config/config.h"
#include "lathe/formats/decode.h"

namespace lathe::config {

enum class SettingKind {
  kText,
  /// A list of texts; on one line separated by commas.
  kList,
  /// The same of absolute paths, or such that begin with "~/".
  kPaths,
  kChoice,
  /// A whole number between `min` and `max`.
  kCount,
  /// US dollars with a fraction; kept in millionths.
  kUsd,
  kDuration,
};

/// Where a setting's value stands in a Config.
using Slot = std::variant<std::string*, std::vector<std::string>*, protocol::ApprovalPolicy*, std::int64_t*,
                          std::optional<std::int64_t>*, std::chrono::milliseconds*>;

/// One key of config.yaml; "a.b" is `b` in the map `a`. Loading, `config set` and the reference page go by this table.
struct SettingSpec {
  std::string_view key;
  SettingKind kind;
  Slot (*slot)(Config&);
  std::string_view doc;
  /// What holds when the slot is empty, in words.
  std::string_view unset = "";
  std::vector<std::string> choices = {};
  /// Bounds of a kCount, and of a kDuration in milliseconds.
  std::int64_t min = 0;
  std::int64_t max = std::numeric_limits<std::int64_t>::max();
  /// A kDuration that may also be "never", which is kNever.
  bool may_be_never = false;
};

/// In the order in which they are shown.
[[nodiscard]] std::span<const SettingSpec> setting_specs();
/// `not_found` with the nearest key. Words may be joined by "-" or "_".
[[nodiscard]] base::Result<const SettingSpec*> find_setting(std::string_view key);

/// Checks the value and puts it into `config`; false, with an error in `problems`, when it is wrong.
bool read_setting(const SettingSpec& spec, const formats::Node& node, Config& config, formats::Problems& problems);
/// What a person types on a command line or into a variable, as the file would hold it. Not checked yet.
[[nodiscard]] formats::Node typed_value(const SettingSpec& spec, std::string_view text);
/// The value in `config` as a person would type it; "" when nothing is set.
[[nodiscard]] std::string shown_value(const SettingSpec& spec, const Config& config);
/// What the setting takes, in words: "a whole number, from 1 to 100".
[[nodiscard]] std::string allowed_values(const SettingSpec& spec);
/// `why` read_setting() refused a text that a person gave under that name (the key, a variable), with all they need.
[[nodiscard]] base::Error wrong_value(const SettingSpec& spec, std::string_view name, std::string_view text,
                                      base::Error why);
/// "LATHE_BUDGET_TURNS"
[[nodiscard]] std::string variable_of(const SettingSpec& spec);
/// docs/reference/config.md.
[[nodiscard]] std::string reference_markdown();

}  // namespace lathe::config
