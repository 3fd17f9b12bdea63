#include "lathe/syntax/options.h"

#include <algorithm>

namespace lathe::syntax {
namespace {

/// The first word of a text, which is shortened by it.
std::string_view take_word(std::string_view& words) {
  const std::size_t end = std::min(words.find(' '), words.size());
  const std::string_view word = words.substr(0, end);
  words.remove_prefix(std::min(end + 1, words.size()));
  return word;
}

/// A part of a word, as little known as all of it.
Word part_of(const Word& word, std::size_t from) {
  Word part = word;
  part.text.erase(0, from);
  return part;
}

}  // namespace

bool lists(std::string_view words, std::string_view word) {
  while (!words.empty()) {
    if (take_word(words) == word) return true;
  }
  return false;
}

std::optional<Option> OptionReader::next() {
  if (letter_ > 0) return letter();
  if (ended_ || at_ >= words_.size()) return std::nullopt;
  const std::string& text = words_[at_].text;
  if (text == "--") {
    ended_ = true;
    ++at_;
    return std::nullopt;
  }
  if (!text.starts_with('-') || text.size() == 1) return std::nullopt;
  if (text.starts_with("--")) return name();
  letter_ = 1;
  return letter();
}

Option OptionReader::letter() {
  const Word& word = words_[at_];
  const char written = word.text[letter_++];
  const std::size_t found = names_.letters.find(written);
  Option option{.name = std::string(1, written), .known = written != ':' && found != std::string_view::npos};
  const std::string_view after = option.known ? names_.letters.substr(found + 1) : std::string_view();
  const bool takes_value = after.starts_with(':');
  if (!takes_value && option.known && letter_ < word.text.size()) return option;
  if (takes_value && letter_ < word.text.size()) {
    option.value = part_of(word, letter_);
  } else if (takes_value && !after.starts_with("::") && at_ + 1 < words_.size()) {
    option.value = words_[++at_];
  }
  letter_ = 0;
  ++at_;
  return option;
}

Option OptionReader::name() {
  const Word& word = words_[at_++];
  const std::size_t equals = word.text.find('=');
  const std::string_view written =
      std::string_view(word.text).substr(2, equals == std::string::npos ? equals : equals - 2);
  std::string_view meant;
  for (std::string_view rest = names_.names; !rest.empty();) {
    const std::string_view listed = take_word(rest);
    if (listed == written || (listed.ends_with('=') && listed.substr(0, listed.size() - 1) == written)) {
      meant = listed;
      break;
    }
    if (meant.empty() && listed.starts_with(written)) meant = listed;
  }
  const bool takes_value = meant.ends_with('=');
  if (takes_value) meant.remove_suffix(1);
  Option option{.name = std::string(meant.empty() ? written : meant), .known = !meant.empty()};
  if (equals != std::string::npos) {
    option.value = part_of(word, equals + 1);
  } else if (takes_value && at_ < words_.size()) {
    option.value = words_[at_++];
  }
  return option;
}

}  // namespace lathe::syntax
