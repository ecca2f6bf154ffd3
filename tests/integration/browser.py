"""Chromium without a screen, as a reader of pages has it."""
import sys

from deadline import PATIENCE, until

HEADLESS = ('--headless=new', '--no-sandbox', '--disable-gpu', '--disable-dev-shm-usage', '--disable-background-networking',
            '--no-first-run', '--window-size=800,700')


def selenium():
    """Of python3-selenium, for whichever Python runs."""
    sys.path.append('/usr/lib/python3/dist-packages')
    try:
        from selenium import webdriver
    finally:
        sys.path.pop()
    return webdriver


class Browser:
    """A browser in the folder, whose language is `language`. `names` are led to 127.0.0.1."""

    def __init__(self, folder, language='en-GB', names=()):
        webdriver = selenium()
        from selenium.webdriver.chrome.service import Service
        options = webdriver.ChromeOptions()
        for word in (*HEADLESS, f'--user-data-dir={folder}/browser', f'--lang={language}', f'--accept-lang={language}'):
            options.add_argument(word)
        options.add_experimental_option('prefs', {'intl.accept_languages': language})
        if names:
            options.add_argument('--host-resolver-rules=' + ','.join(f'MAP {name} 127.0.0.1' for name in names))
        self.driver = webdriver.Chrome(service=Service('/usr/bin/chromedriver'), options=options)
        self.driver.set_page_load_timeout(PATIENCE)

    def __enter__(self):
        return self

    def __exit__(self, *what):
        self.driver.quit()

    def open(self, url):
        self.driver.get(url)
        return until(f'the text of {url}', self.text)

    def text(self):
        """"" while a page is on its way."""
        from selenium.common.exceptions import WebDriverException
        try:
            return self.driver.find_element('tag name', 'body').text
        except WebDriverException:
            return ''

    def press(self, label):
        """The button with these words; returns what the page that comes then says."""
        before = self.driver.find_element('tag name', 'html')
        self.driver.find_element('xpath', f'//button[normalize-space()="{label}"]').click()
        until('another page', lambda: self.is_gone(before))
        return until('its text', self.text)

    @staticmethod
    def is_gone(element):
        from selenium.common.exceptions import WebDriverException
        try:
            element.is_enabled()
        except WebDriverException:
            return True
        return False

    def fill(self, field, value, nth=0):
        self.driver.find_elements('name', field)[nth].send_keys(value)

    def screenshot(self, path):
        self.driver.save_screenshot(path)
