#pragma once

#include <coroutine>
#include <exception>
#include <memory>
#include <optional>
#include <type_traits>
#include <utility>
#include <vector>

#include "lathe/base/check.h"

// The one coroutine type. An Async<T> is lazy (nothing runs before it is awaited), awaited once, and resumes its
// awaiter directly. It belongs to the thread of the Loop it waits on.
//
// Lifetimes: destroying an Async that has started and not finished is a CHECK, because whatever it waits for would
// resume freed memory. So every started coroutine is awaited to its end; to end it early, cancel its token.
//
//   created --co_await--> running/suspended --co_return--> done --~Async--> freed
//   created --~Async--> freed

namespace lathe::runtime {

template <class T>
class Async;

namespace detail {

struct PromiseBase {
  std::coroutine_handle<> continuation;
  std::exception_ptr exception;
  bool started = false;

  std::suspend_always initial_suspend() noexcept { return {}; }

  struct FinalAwaiter {
    bool await_ready() noexcept { return false; }
    template <class P>
    std::coroutine_handle<> await_suspend(std::coroutine_handle<P> self) noexcept {
      return self.promise().continuation ? self.promise().continuation : std::noop_coroutine();
    }
    void await_resume() noexcept {}
  };
  FinalAwaiter final_suspend() noexcept { return {}; }
  void unhandled_exception() noexcept { exception = std::current_exception(); }
};

template <class T>
struct Promise final : PromiseBase {
  std::optional<T> value;
  Async<T> get_return_object();
  template <class U>
  void return_value(U&& result) {
    value.emplace(std::forward<U>(result));
  }
  T take() {
    if (exception) std::rethrow_exception(exception);
    return std::move(*value);
  }
};

template <>
struct Promise<void> final : PromiseBase {
  Async<void> get_return_object();
  void return_void() noexcept {}
  void take() const {
    if (exception) std::rethrow_exception(exception);
  }
};

/// Runs at once and frees itself; only runtime/ may start work so.
struct Detached {
  struct promise_type {
    Detached get_return_object() noexcept { return {}; }
    std::suspend_never initial_suspend() noexcept { return {}; }
    std::suspend_never final_suspend() noexcept { return {}; }
    void return_void() noexcept {}
    void unhandled_exception() noexcept { std::terminate(); }
  };
};

}  // namespace detail

template <class T>
class [[nodiscard]] Async final {
 public:
  using promise_type = detail::Promise<T>;
  using Handle = std::coroutine_handle<promise_type>;

  explicit Async(Handle handle) : handle_(handle) {}
  Async(Async&& other) noexcept : handle_(std::exchange(other.handle_, {})) {}
  Async& operator=(Async&& other) noexcept {
    std::swap(handle_, other.handle_);
    return *this;
  }
  Async(const Async&) = delete;
  Async& operator=(const Async&) = delete;
  ~Async() {
    if (!handle_) return;
    CHECK(!handle_.promise().started || handle_.done());
    handle_.destroy();
  }

  struct Awaiter {
    Handle handle;
    bool await_ready() const noexcept { return false; }
    std::coroutine_handle<> await_suspend(std::coroutine_handle<> awaiting) noexcept {
      CHECK(!handle.promise().started);
      handle.promise().started = true;
      handle.promise().continuation = awaiting;
      return handle;
    }
    T await_resume() { return handle.promise().take(); }
  };
  Awaiter operator co_await() && noexcept { return Awaiter{handle_}; }
  Awaiter operator co_await() & noexcept { return Awaiter{handle_}; }

 private:
  Handle handle_;
};

namespace detail {

template <class T>
Async<T> Promise<T>::get_return_object() {
  return Async<T>(std::coroutine_handle<Promise<T>>::from_promise(*this));
}
inline Async<void> Promise<void>::get_return_object() {
  return Async<void>(std::coroutine_handle<Promise<void>>::from_promise(*this));
}

/// Counts the children of a when_all down and resumes the parent after the last.
struct Join {
  std::size_t left;
  std::coroutine_handle<> parent;
};

template <class T>
Detached run_child(Async<T> child, std::optional<T>* out, Join* join) {
  out->emplace(co_await child);
  if (--join->left == 0) join->parent.resume();
}

}  // namespace detail

/// Runs all of them interleaved and gives their results in the order of the inputs. A child that throws ends the
/// process (a bug: children return Results).
template <class T>
Async<std::vector<T>> when_all(std::vector<Async<T>> children) {
  std::vector<std::optional<T>> slots(children.size());
  struct StartAll {
    std::vector<Async<T>>* children;
    std::vector<std::optional<T>>* slots;
    detail::Join join{};
    bool await_ready() const { return children->empty(); }
    bool await_suspend(std::coroutine_handle<> parent) {
      // One more than the children, so that a child that ends at once does not resume the parent from here.
      join = {children->size() + 1, parent};
      for (std::size_t i = 0; i < children->size(); ++i) {
        detail::run_child(std::move((*children)[i]), &(*slots)[i], &join);
      }
      return --join.left != 0;
    }
    void await_resume() const {}
  };
  StartAll start{&children, &slots};
  co_await start;
  std::vector<T> results;
  results.reserve(slots.size());
  for (auto& slot : slots) results.push_back(std::move(*slot));
  co_return results;
}

}  // namespace lathe::runtime
