# The texts of the server's own mails, conf/mail/LANGUAGE/NAME.txt, as a table in the program.
file(GLOB mail_templates CONFIGURE_DEPENDS RELATIVE ${CMAKE_SOURCE_DIR}/conf/mail ${CMAKE_SOURCE_DIR}/conf/mail/*/*.txt)
set(rows "")
foreach(path IN LISTS mail_templates)
  set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/conf/mail/${path})
  file(READ ${CMAKE_SOURCE_DIR}/conf/mail/${path} text)
  string(REGEX REPLACE "\\.txt$" "" name ${path})
  string(APPEND rows "    {\"${name}\", R\"mail(${text})mail\"},\n")
endforeach()
file(CONFIGURE OUTPUT ${CMAKE_BINARY_DIR}/mail_templates.cpp @ONLY CONTENT
"#include \"conf/mail_templates.hpp\"
namespace postern::conf {
namespace {
constexpr built_in_template rows[] = {
@rows@};
}
std::span<const built_in_template> built_in_templates() { return rows; }
} // namespace postern::conf
")
target_sources(postern_conf PRIVATE ${CMAKE_BINARY_DIR}/mail_templates.cpp)
