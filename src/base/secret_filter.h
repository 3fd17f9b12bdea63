#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace lathe::base {

/// What stands where a secret stood.
inline constexpr std::string_view kSecretMark = "[secret]";

/// `text` with every occurrence of a secret replaced by kSecretMark. Empty secrets are ignored.
[[nodiscard]] std::string cut_secrets(std::string text, std::span<const std::string> secrets);

[[nodiscard]] bool holds_secret(std::string_view text, std::span<const std::string> secrets);

/// cut_secrets() for bytes that come in pieces, whatever the pieces: the end of what came is held back for as long as
/// it may be the beginning of a secret.
class SecretFilter final {
 public:
  explicit SecretFilter(std::vector<std::string> secrets) : secrets_(std::move(secrets)) {}

  /// What can be passed on now.
  [[nodiscard]] std::string take(std::string_view bytes);
  /// The rest, when nothing more comes.
  [[nodiscard]] std::string finish();

 private:
  [[nodiscard]] std::size_t held_back() const;

  const std::vector<std::string> secrets_;
  std::string waiting_;
};

}  // namespace lathe::base
