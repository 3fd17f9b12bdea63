#include "lathe/providers/openai_chat/wire.h"

#include "lathe/providers/openai_chat/decoder.h"

namespace lathe::providers::openai_chat {

common::Wire wire(const Quirks& quirks) {
  return {.provider = kProvider,
          .path = "/chat/completions",
          .body_of = [quirks](const ports::ModelRequest& request) { return body_of(request, quirks); },
          .make_decoder = make_decoder};
}

}  // namespace lathe::providers::openai_chat
