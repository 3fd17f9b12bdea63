#pragma once

#include <string>

#include "lathe/protocol/frames.h"

namespace lathe::cli {

/// One record of a session as Markdown: a transcript for people, and for `session export --format md`. Pure; often "".
class TranscriptMarkdown final {
 public:
  [[nodiscard]] std::string show(const protocol::EventMsg& msg);

 private:
  struct Visitor;
  bool titled_ = false;
  bool replayed_ = false;
};

}  // namespace lathe::cli
