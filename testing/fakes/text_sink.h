#pragma once

#include <string>
#include <string_view>

#include "lathe/ports/output_sink.h"

namespace lathe::fakes {

/// All output of a call as one text.
struct TextSink final : ports::OutputSink {
  std::string text;
  void write(protocol::OutputStream, std::string_view bytes) override { text += bytes; }
};

}  // namespace lathe::fakes
