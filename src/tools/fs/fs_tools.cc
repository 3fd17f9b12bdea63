#include "lathe/tools/fs/fs_tools.h"

#include "lathe/tools/fs/change_tools.h"
#include "lathe/tools/fs/file_info.h"
#include "lathe/tools/fs/list_dir.h"
#include "lathe/tools/fs/read_file.h"

namespace lathe::tools::fs {

std::vector<std::unique_ptr<ports::Tool>> make_fs_tools(FsOptions options) {
  std::vector<std::unique_ptr<ports::Tool>> tools;
  tools.push_back(make_read_file(options));
  tools.push_back(make_view_image(options));
  tools.push_back(make_write_file(options));
  tools.push_back(make_edit_file(options));
  tools.push_back(make_multi_edit(options));
  tools.push_back(make_delete_file(options));
  tools.push_back(make_move_file(options));
  tools.push_back(make_list_dir(options));
  tools.push_back(make_file_info(options));
  return tools;
}

}  // namespace lathe::tools::fs
