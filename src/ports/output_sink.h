#pragma once

#include <string_view>

#include "lathe/protocol/items.h"

namespace lathe::ports {

/// Where a tool writes what it has to say while it runs. It shows the text, keeps head and tail for the model and all
/// of it for the blob store, in bounded memory. Loop thread.
class OutputSink {
 public:
  virtual ~OutputSink() = default;
  virtual void write(protocol::OutputStream stream, std::string_view bytes) = 0;
};

}  // namespace lathe::ports
