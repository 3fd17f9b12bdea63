#pragma once

#include "lathe/base/clock.h"
#include "lathe/base/error.h"
#include "lathe/runtime/cancel.h"
#include "lathe/runtime/loop.h"

namespace lathe::runtime {

/// A token that is cancelled when `parent` is, or after `span` with the error `why`: a limit on all that a function
/// does. Loop thread; lives as long as the work.
class CancelAfter final {
 public:
  CancelAfter(Loop& loop, const CancelToken& parent, base::Millis span, base::Error why)
      : source_(parent), timer_(loop.call_after(span, [this, why = std::move(why)] { source_.cancel(why); })) {}
  CancelAfter(const CancelAfter&) = delete;
  CancelAfter& operator=(const CancelAfter&) = delete;

  [[nodiscard]] CancelToken token() const { return source_.token(); }

 private:
  CancelSource source_;
  Timer timer_;
};

}  // namespace lathe::runtime
