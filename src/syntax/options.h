#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "lathe/syntax/shell.h"

namespace lathe::syntax {

/// Whether a word stands in a text of words separated by blanks.
[[nodiscard]] bool lists(std::string_view words, std::string_view word);

/// The options of a program as getopt_long has them.
struct OptionNames {
  /// "u:" takes a value, "i::" only one that is attached.
  std::string_view letters = "";
  /// Separated by blanks; "unset=" takes a value, which may be the next word.
  std::string_view names = "";
};

struct Option {
  /// A letter, or a long name in full even where it was shortened; as it stands there when the program has no such one.
  std::string name;
  std::optional<Word> value = std::nullopt;
  bool known = true;
};

/// Reads options the way GNU's getopt does: bundled letters, attached values, shortened names. The words outlive it.
class OptionReader final {
 public:
  OptionReader(const std::vector<Word>& words, OptionNames names, std::size_t from = 1)
      : words_(words), names_(names), at_(from) {}

  /// The next option; nothing at a word that is none, at the end, and past "--".
  std::optional<Option> next();
  /// The word behind the options read so far.
  [[nodiscard]] std::size_t at() const { return at_; }
  /// Past a word that is no option.
  void skip() { ++at_; }

 private:
  Option letter();
  Option name();

  const std::vector<Word>& words_;
  OptionNames names_;
  std::size_t at_;
  /// The next letter of the word; 0 when it is not inside one.
  std::size_t letter_ = 0;
  bool ended_ = false;
};

}  // namespace lathe::syntax
