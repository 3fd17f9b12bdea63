#include "lathe/runtime/cancel.h"

#include "lathe/base/check.h"

namespace lathe::runtime {

CancelRegistration::CancelRegistration(CancelRegistration&& other) noexcept
    : state_(std::move(other.state_)), id_(std::exchange(other.id_, 0)) {}

CancelRegistration& CancelRegistration::operator=(CancelRegistration&& other) noexcept {
  std::swap(state_, other.state_);
  std::swap(id_, other.id_);
  return *this;
}

CancelRegistration::~CancelRegistration() {
  if (const auto state = state_.lock()) state->callbacks.erase(id_);
}

const base::Error& CancelToken::reason() const {
  CHECK(cancelled());
  return state_->reason;
}

CancelRegistration CancelToken::on_cancel(std::move_only_function<void()> callback) const {
  if (!state_) return {};
  if (state_->cancelled) {
    callback();
    return {};
  }
  const std::uint64_t id = state_->next_id++;
  state_->callbacks.emplace(id, std::move(callback));
  return {state_, id};
}

CancelSource::CancelSource() : state_(std::make_shared<detail::CancelState>()) {}

CancelSource::CancelSource(const CancelToken& parent) : CancelSource() {
  if (parent.cancelled()) {
    cancel(parent.reason());
    return;
  }
  parent_ = parent.on_cancel([weak = std::weak_ptr(state_), parent_state = std::weak_ptr(parent.state_)] {
    const auto state = weak.lock();
    const auto above = parent_state.lock();
    if (!state || !above) return;
    CancelSource source;
    source.state_ = state;
    source.cancel(above->reason);
  });
}

void CancelSource::cancel(base::Error reason) {
  if (state_->cancelled) return;
  const auto state = state_;
  state->cancelled = true;
  state->reason = std::move(reason);
  while (!state->callbacks.empty()) {
    auto first = state->callbacks.begin();
    auto callback = std::move(first->second);
    state->callbacks.erase(first);
    callback();
  }
}

base::Error cancelled_error(std::string_view why) {
  return {.code = base::codes::kCancelled, .message = std::string(why)};
}

}  // namespace lathe::runtime
