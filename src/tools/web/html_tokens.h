#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace lathe::tools::web {

/// A piece of a page, in order. Views into the page.
struct HtmlToken {
  enum class Kind { kText, kOpen, kClose };
  Kind kind = Kind::kText;
  /// kText: as it stands, with its character references.
  std::string_view text = {};
  /// kOpen, kClose: lower case.
  std::string name = {};
  /// kOpen: everything between the name and the ">".
  std::string_view attributes = {};
};

/// Takes a page apart in one pass and constant memory, whatever it holds: no tree is built, so that a page nested a
/// million times or with a million attributes costs what its bytes cost. Comments, doctypes and what stands in
/// <script>, <style> and their like are left out.
class HtmlTokens final {
 public:
  /// The page outlives this.
  explicit HtmlTokens(std::string_view page) : rest_(page) {}
  /// Nothing at the end.
  [[nodiscard]] std::optional<HtmlToken> next();

 private:
  /// At a "<": the token, or nothing when it was no tag and was skipped or taken as text.
  [[nodiscard]] std::optional<HtmlToken> tag();
  void skip_to(std::string_view end);
  void skip_raw_text(std::string_view name);

  std::string_view rest_;
};

/// The value of an attribute, without its quotes and with its character references; nothing when it is not there.
[[nodiscard]] std::optional<std::string> attribute(std::string_view attributes, std::string_view name);

}  // namespace lathe::tools::web
