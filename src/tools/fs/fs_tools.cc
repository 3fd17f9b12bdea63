#include "lathe/tools/fs/fs_tools.h"

#include "lathe/tools/fs/change_file.h"
#include "lathe/tools/fs/list_dir.h"
#include "lathe/tools/fs/read_file.h"

namespace lathe::tools::fs {

std::vector<std::unique_ptr<ports::Tool>> make_fs_tools(FsOptions options) {
  std::vector<std::unique_ptr<ports::Tool>> tools;
  tools.push_back(make_read_file(options));
  tools.push_back(make_write_file(options));
  tools.push_back(make_edit_file(options));
  tools.push_back(make_list_dir(options));
  return tools;
}

}  // namespace lathe::tools::fs
