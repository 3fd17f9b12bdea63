#pragma once

#include <functional>
#include <map>
#include <memory>
#include <utility>

#include "lathe/base/error.h"

// Cancellation is a value: whoever starts work keeps the CancelSource, the work gets its CancelToken and passes it on.
// A cancelled wait returns the source's Error. Everything here belongs to one loop thread; callbacks run inside
// cancel(), so they only wake others (through the loop) and never do work of their own.

namespace lathe::runtime {

class CancelToken;

namespace detail {
struct CancelState {
  bool cancelled = false;
  base::Error reason;
  std::uint64_t next_id = 1;
  std::map<std::uint64_t, std::move_only_function<void()>> callbacks;
};
}  // namespace detail

/// Keeps a callback registered; dropping it takes the callback back.
class CancelRegistration final {
 public:
  CancelRegistration() = default;
  CancelRegistration(std::weak_ptr<detail::CancelState> state, std::uint64_t id) : state_(std::move(state)), id_(id) {}
  CancelRegistration(CancelRegistration&& other) noexcept;
  CancelRegistration& operator=(CancelRegistration&& other) noexcept;
  ~CancelRegistration();

 private:
  std::weak_ptr<detail::CancelState> state_;
  std::uint64_t id_ = 0;
};

class CancelToken final {
 public:
  /// A token that is never cancelled.
  CancelToken() = default;

  [[nodiscard]] bool cancelled() const { return state_ && state_->cancelled; }
  /// Why; only when cancelled().
  [[nodiscard]] const base::Error& reason() const;
  /// Calls back once on cancellation (at once when already cancelled).
  [[nodiscard]] CancelRegistration on_cancel(std::move_only_function<void()> callback) const;

 private:
  friend class CancelSource;
  explicit CancelToken(std::shared_ptr<detail::CancelState> state) : state_(std::move(state)) {}
  std::shared_ptr<detail::CancelState> state_;
};

class CancelSource final {
 public:
  CancelSource();
  /// Cancelled when `parent` is, with the same reason, and on its own.
  explicit CancelSource(const CancelToken& parent);

  void cancel(base::Error reason);
  [[nodiscard]] CancelToken token() const { return CancelToken(state_); }
  [[nodiscard]] bool cancelled() const { return state_->cancelled; }

 private:
  std::shared_ptr<detail::CancelState> state_;
  CancelRegistration parent_;
};

/// The Error of a plain cancellation.
[[nodiscard]] base::Error cancelled_error(std::string_view why);

}  // namespace lathe::runtime
