#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "lathe/chain/chain.h"
#include "lathe/formats/node.h"

// What is wrong with a chain. Every finding is of a class with a stable name: docs/reference/chains.md lists them, and
// testdata/planted has a file for each.

namespace lathe::chain {

/// An error forbids the run, a warning does not.
enum class Severity : std::uint8_t { kWarning, kError };

struct Finding {
  /// The class: "unknown-goto".
  std::string id;
  Severity severity = Severity::kError;
  Position at = {};
  std::string message;
  std::string hint;
};

struct FindingClass {
  std::string_view id;
  Severity severity;
  /// The same in files of the other two dialects: what their own programs run stays a warning.
  Severity foreign;
  std::string_view meaning;
};

/// All classes, in the order of the reference page.
[[nodiscard]] std::span<const FindingClass> finding_classes();

/// Collects what is wrong with one file.
class Findings final {
 public:
  Findings() = default;
  explicit Findings(Dialect dialect) : dialect_(dialect) {}
  enum class UnknownFields : std::uint8_t { kWarning, kError };
  explicit Findings(UnknownFields unknown) : strict_(unknown == UnknownFields::kError) {}

  void set_dialect(Dialect dialect) { dialect_ = dialect; }
  /// `id` is one of finding_classes().
  void add(std::string_view id, Position at, std::string message, std::string hint = "");
  /// `what "name" …: did you mean …`, or the names there are when none is near and they are few.
  void unknown(std::string_view id, Position at, std::string message, std::string_view name,
               const std::vector<std::string>& known);
  void take(std::vector<Finding> others);

  [[nodiscard]] const std::vector<Finding>& all() const { return found_; }
  /// By place, those of one place by class; none twice.
  [[nodiscard]] std::vector<Finding> sorted() &&;

 private:
  Dialect dialect_ = Dialect::kLathe;
  bool strict_ = false;
  std::vector<Finding> found_;
};

[[nodiscard]] bool has_errors(const std::vector<Finding>& findings);
/// A line each: `review.yaml:7:13: error: message (hint) [unknown-goto]`.
[[nodiscard]] std::string findings_text(std::string_view file, const std::vector<Finding>& findings);

}  // namespace lathe::chain
