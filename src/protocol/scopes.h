#pragma once

#include <array>
#include <cstdint>
#include <initializer_list>
#include <string>
#include <string_view>
#include <vector>

#include "lathe/base/result.h"
#include "lathe/protocol/fields.h"
#include "lathe/protocol/frames.h"

// What a client may ask for, where its token says so (ARCHITECTURE 7.3.6).

namespace lathe::protocol {

enum class Scope {
  /// See sessions, questions, models, backends, usage.
  kRead,
  /// Make sessions, tell them what to do, stop them.
  kPrompt,
  /// Answer questions about what an agent may do, and choose when it is asked and what confines it.
  kApprove,
  /// All of it, and what concerns the whole data root: remove, trust, rebuild, test.
  kAdmin,
};
constexpr auto enum_names(Scope) {
  return std::array{EnumName{Scope::kRead, "read"}, EnumName{Scope::kPrompt, "prompt"},
                    EnumName{Scope::kApprove, "approve"}, EnumName{Scope::kAdmin, "admin"}};
}

/// Some of the scopes. kAdmin holds all of them, each of the others only itself. A small value.
class Scopes final {
 public:
  constexpr Scopes() = default;
  constexpr Scopes(std::initializer_list<Scope> scopes) {
    for (const Scope scope : scopes) add(scope);
  }
  [[nodiscard]] static Scopes all() { return {Scope::kAdmin}; }

  constexpr void add(Scope scope) { bits_ |= bit(scope); }
  [[nodiscard]] bool hold(Scope scope) const { return (bits_ & (bit(scope) | bit(Scope::kAdmin))) != 0; }
  /// Whether it stands there itself.
  [[nodiscard]] bool name(Scope scope) const { return (bits_ & bit(scope)) != 0; }
  /// "read,prompt".
  [[nodiscard]] std::string text() const;
  /// The other way round; names that are none are an error that lists those that are.
  [[nodiscard]] static base::Result<Scopes> parse(std::string_view text);
  friend bool operator==(const Scopes&, const Scopes&) = default;

 private:
  static constexpr std::uint8_t bit(Scope scope) {
    return static_cast<std::uint8_t>(1U << static_cast<unsigned>(scope));
  }
  std::uint8_t bits_ = 0;
};

/// All that a frame needs.
[[nodiscard]] Scopes scopes_needed(const ClientFrame& frame);
/// What an op or a call of this type needs at least; some of its fields may need more. Nothing for a type that is none.
[[nodiscard]] Scopes scopes_of_op(std::string_view type);
[[nodiscard]] Scopes scopes_of_call(std::string_view type);
/// `permission_denied`, naming the scope that is missing.
[[nodiscard]] base::Result<void> check_scopes(Scopes held, Scopes needed);
[[nodiscard]] base::Result<void> check_scopes(Scopes held, const ClientFrame& frame);

}  // namespace lathe::protocol
