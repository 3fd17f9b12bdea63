#pragma once

#include <expected>
#include <type_traits>
#include <utility>

#include "lathe/base/error.h"

namespace lathe::base {

/// A value of T, or the Error that says why there is none. Dropping one is a compiler error.
///
/// A thin class over std::expected (which the compiler lets you drop without a word). Expected failure travels in
/// Results; exceptions are for bugs (see check.h).
template <class T>
class [[nodiscard]] Result {
 public:
  using value_type = T;

  Result()
    requires std::is_void_v<T>
  = default;
  template <class U = T>
    requires(!std::is_void_v<T> && std::is_constructible_v<T, U &&> &&
             !std::is_same_v<std::remove_cvref_t<U>, Result> && !std::is_same_v<std::remove_cvref_t<U>, Error>)
  Result(U&& value) : inner_(std::forward<U>(value)) {}               // NOLINT(google-explicit-constructor)
  Result(Error error) : inner_(std::unexpected(std::move(error))) {}  // NOLINT(google-explicit-constructor)

  [[nodiscard]] bool ok() const { return inner_.has_value(); }
  explicit operator bool() const { return ok(); }

  auto&& value() & { return *inner_; }
  auto&& value() const& { return *inner_; }
  auto&& value() && { return *std::move(inner_); }
  auto&& operator*() & { return *inner_; }
  auto&& operator*() const& { return *inner_; }
  auto&& operator*() && { return *std::move(inner_); }
  auto operator->() { return inner_.operator->(); }
  auto operator->() const { return inner_.operator->(); }

  [[nodiscard]] const Error& error() const& { return inner_.error(); }
  [[nodiscard]] Error&& error() && { return std::move(inner_).error(); }

  template <class U>
  [[nodiscard]] T value_or(U&& fallback) const& {
    return inner_.value_or(std::forward<U>(fallback));
  }

  /// The same Result with "context: " in front of the error's message.
  [[nodiscard]] Result within(std::string_view context) && {
    if (ok()) return std::move(*this);
    return error().within(context);
  }
  /// The same Result, with this hint of the error unless it has one.
  [[nodiscard]] Result or_hint(std::string_view next_action) && {
    if (ok()) return std::move(*this);
    return error().or_hint(next_action);
  }

 private:
  std::expected<T, Error> inner_;
};

}  // namespace lathe::base

#define LATHE_CONCAT_(a, b) a##b
#define LATHE_CONCAT(a, b) LATHE_CONCAT_(a, b)
#define LATHE_TRY_(tmp, ret, decl, ...)      \
  auto tmp = (__VA_ARGS__);                  \
  if (!tmp.ok()) ret std::move(tmp).error(); \
  decl = *std::move(tmp)
#define LATHE_TRY_OK_(tmp, ret, ...)           \
  do {                                         \
    auto tmp = (__VA_ARGS__);                  \
    if (!tmp.ok()) ret std::move(tmp).error(); \
  } while (false)

/// `TRY(auto x, f());` gives x the value of f(), or returns its error from this function.
#define TRY(decl, ...) LATHE_TRY_(LATHE_CONCAT(try_, __COUNTER__), return, decl, __VA_ARGS__)
/// `TRY_OK(f());` goes on when f() succeeded, or returns its error.
#define TRY_OK(...) LATHE_TRY_OK_(LATHE_CONCAT(try_, __COUNTER__), return, __VA_ARGS__)
/// The same two inside a coroutine.
#define CO_TRY(decl, ...) LATHE_TRY_(LATHE_CONCAT(try_, __COUNTER__), co_return, decl, __VA_ARGS__)
#define CO_TRY_OK(...) LATHE_TRY_OK_(LATHE_CONCAT(try_, __COUNTER__), co_return, __VA_ARGS__)
