#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "lathe/base/result.h"
#include "lathe/config/config.h"

namespace lathe::cli {

/// The questions of `lathe setup` and the backend that their answers make. Pure: question out, answer in.
class SetupDialog final {
 public:
  /// `taken`: names of backends that are configured already.
  explicit SetupDialog(std::vector<std::string> taken) : taken_(std::move(taken)) {}
  [[nodiscard]] bool done() const { return step_ == Step::kDone; }
  /// With its default in brackets.
  [[nodiscard]] std::string question() const;
  /// Takes the answer ("" for the default) and goes on; an error keeps the question.
  [[nodiscard]] base::Result<void> answer(std::string_view text);
  /// When done.
  [[nodiscard]] const config::Backend& backend() const { return backend_; }

 private:
  enum class Step { kType, kUrl, kKey, kName, kDone };

  base::Result<void> take_type(std::string_view text);
  base::Result<void> take_url(std::string_view text);
  base::Result<void> take_key(std::string_view text);
  base::Result<void> take_name(std::string_view text);
  [[nodiscard]] bool is_taken(const std::string& name) const;
  /// The type's name, with a number behind it when that is taken.
  [[nodiscard]] std::string offered_name() const;

  std::vector<std::string> taken_;
  Step step_ = Step::kType;
  config::Backend backend_;
};

/// One line of a terminal, without its newline. Blocks. The end of input is `cancelled`.
[[nodiscard]] base::Result<std::string> read_line(int fd);

}  // namespace lathe::cli
