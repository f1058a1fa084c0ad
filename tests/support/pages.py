"""Pages without a story, all invented."""

PAYWALLS = (
    "Subscribe to continue reading\n\nThis article is for subscribers only. Get unlimited access to the Marlow "
    "Herald from £1 a week.\n\nAlready a subscriber? Log in\n\nCancel at any time.",
    "You have reached your limit of free articles this month.\n\nSubscribe now to read this story and all of "
    "our reporting.\n\nDigital\n£4 a month\n\nDigital + print\n£9 a month\n\nAlready have an account? Sign in",
    "Marlow Herald\n\nThank you for reading the Herald. You have 0 articles left. Your support keeps our "
    "newsroom going. Choose a plan that suits you.\n\nMonthly: $5\nYearly: $50",
    "To read the full story, start your free trial.\n\nWhat is included: unlimited articles on any device, the "
    "daily puzzle, and our app. You can cancel online whenever you like.\n\nTRY IT FREE",
    "<html><head><title>Port reopens - Marlow Herald</title></head><body><div class='wall'><h2>Keep reading "
    "for $1</h2><p>Unlock this article and everything else we publish.</p><p>Not ready? <a href='/r'>Register "
    "for free</a> to read three articles a month.</p></div></body></html>",
    "This content is available to members only.\n\nBecome a member of the Rundvik Post to read on. Members get "
    "full access to our archive, invitations to events and a weekly letter from the editor.\n\nJoin today\nI "
    "am already a member",
    "Exclusive for subscribers\n\nThe rest of this page is reserved for our subscribers. If you have a "
    "subscription, please sign in with the e-mail address that you used when you ordered it. If you do not, "
    "have a look at our offers.",
    "The port of Marlow reopened on Monday after a crane …\n\nSubscribe to read the full article\n\n"
    "Subscribing gives you access to all articles, newsletters and podcasts. First month only £1, then £8 a "
    "month. Cancel any time before your next bill.\n\nSubscribe\nLog in",
    "Premium\n\nWe hope that you enjoy our journalism. To finish this article, please buy a day pass for €1.50 "
    "or take out a subscription. Payment is by card or PayPal.\n\nBuy a day pass\nSee subscriptions",
    "Your free trial has ended. Renew your subscription to keep access to the Vell Courier. Your saved "
    "articles will be here when you come back.\n\nRenew now",
    "Hi there! It looks like you are reading in private mode.\n\nPrivate browsing is permitted only for our "
    "subscribers. Turn off private browsing to keep reading this story, or subscribe to use this feature, plus "
    "get unlimited access.",
    "<p>Your subscription includes</p><ul><li>Unlimited access on the web</li><li>Two accounts for your "
    "family</li></ul><p>Subscribe for 99p a week</p><p>You can end your subscription at any time.</p><p>Terms "
    "apply.</p>",
)
LOG_INS = (
    "Log in\n\nE-mail\n\nPassword\n\nForgot your password?\n\nDon't have an account? Sign up",
    "Sign in to your account\n\nEnter the e-mail address and password that you registered with.\n\nKeep me "
    "signed in\n\nSign in\n\nOr continue with\nGoogle\nApple\nFacebook",
    "Your session has expired. Please log in again to continue. For your security we log you out after 30 minutes.",
    "Marlow Herald\nMy account\n\nWelcome back! Please enter your details.\n\nUser name or e-mail\nPassword\n"
    "Remember me\nForgotten password\n\nLog in",
    "<form><h1>Please sign in</h1><p>You need to be signed in to see this "
    "page.</p><label>E-mail</label><input><label>Password</label><input><button>Sign in</button></form><p>New "
    "here? Create an account. It takes less than a minute.</p>",
    "You must be logged in to read this article. Registration is free and takes a minute. We will never share "
    "your e-mail address with anyone.\n\nRegister\nLog in",
    "Check your inbox\n\nWe have sent a link to your e-mail address. Click on it to log in. If you cannot find "
    "it, look in your spam folder or ask for a new one.",
    "Two-step verification\n\nWe have sent a code of six digits to your phone. Enter it below to sign in.\n\n"
    "Didn't get a code? Send it again",
    "Library login\n\nAccess to this database is provided by your institution. Choose your institution from "
    "the list and sign in with your library card number and PIN.",
)
ROBOT_CHECKS = (
    "Checking your browser before accessing marlow.example.\n\nThis process is automatic. Your browser will "
    "redirect to your requested content shortly.\n\nPlease allow up to 5 seconds…\n\nDDoS protection\nRay ID: "
    "7d1e",
    "Verify that you are human by completing the action below.\n\nmarlow.example needs to review the security "
    "of your connection before proceeding.",
    "Our systems have detected unusual traffic from your computer network. This page checks to see if it is "
    "really you sending the requests, and not a robot.\n\nWhy did this happen?",
    "Are you a robot?\n\nTo continue, please click the box below to let us know that you are not a robot.\n\n"
    "Please make sure your browser supports JavaScript and cookies and that you are not blocking them from "
    "loading.\n\nReference ID: 4",
    "Just a moment...\n\nEnable JavaScript and cookies to continue",
    "Press & Hold to confirm you are a human (and not a bot).\n\nReference ID 0d2e11b0",
    "Pardon our interruption\n\nAs you were browsing, something about your browser made us think that you "
    "might be a bot. There are a few reasons why this might happen: you are moving through this website with "
    "super-human speed, you have disabled cookies in your web browser, or a plug-in is preventing JavaScript "
    "from running. To regain access, make sure that cookies and JavaScript are enabled before reloading the "
    "page.",
    "<html><body><h1>One more step</h1><p>Please complete the security check to access "
    "marlow.example</p><p>Why do I have to complete a CAPTCHA? Completing the CAPTCHA proves you are a human "
    "and gives you temporary access to the web property.</p></body></html>",
    "Type the characters you see in this image. This helps us to keep automated programs out.\n\nTry a different image",
)
LOST_PAGES = (
    "404 Not Found\n\nnginx",
    "Page not found\n\nSorry, the page that you are looking for does not exist or has been moved. Check the "
    "address, or go back to the home page.",
    "Oops! That page can’t be found.\n\nIt looks like nothing was found at this location. Maybe try a search?",
    "Error 404\n\nWe can't find the page you asked for. It may have been deleted, or the link that brought you "
    "here may be out of date.\n\nReturn to the front page\nSearch the archive",
    "<html><head><title>404</title></head><body><h1>Not Found</h1><p>The requested URL /news/port was not "
    "found on this server.</p><hr><address>Apache Server at marlow.example Port 80</address></body></html>",
    "This story is no longer available.\n\nThe article that you are trying to read has been removed from our "
    "site. You may want to look at today's top stories instead.",
    "Well, this is awkward. The page you wanted has sailed. Try our home page, or use the search box above.",
    "410 Gone\n\nThis page was permanently deleted.",
    "Sorry, we couldn't find any results for your search. Check the spelling or try other words.",
)
ERRORS = (
    'Access Denied\n\nYou don\'t have permission to access "http://marlow.example/port" on this server.\n\n'
    "Reference #18.2d351ab8",
    "403 Forbidden",
    "502 Bad Gateway\n\nThe server returned an invalid or incomplete response. Please try again in 30 seconds.",
    "Something went wrong. We are working to fix it. Please try again later.\n\nReload",
    "We'll be back soon!\n\nSorry for the inconvenience, but we are performing some maintenance at the moment. "
    "We will be back online shortly.",
    "451: Unavailable for legal reasons\n\nWe recognise you are attempting to access this website from a "
    "country belonging to the European Economic Area, which enforces the GDPR, and therefore access cannot be "
    "granted at this time. For any issues, contact us.",
    "This content is not available in your region. We apologise for any inconvenience.",
    "You have been blocked. You are unable to access marlow.example. This website is using a security service "
    "to protect itself from online attacks. The action you just performed triggered the security solution.",
    "Too many requests\n\nYou have sent too many requests in a given amount of time. Wait a few minutes and try again.",
)
CONSENT = (
    "We value your privacy\n\nWe and our 842 partners store and access information on a device, such as "
    "cookies, and process personal data. You may click to consent to our and our partners' processing. Your "
    "choices will apply to this website only.\n\nAgree\nDisagree\nMore options",
    "Before you continue\n\nWe use cookies and data to deliver and maintain our services, track outages and "
    "protect against spam, and measure how readers use the site. If you choose to accept all, we will also use "
    "them to develop new services and show personalised ads.\n\nAccept all\nReject all\nMore options",
    "Your choice: read with advertising, or pay\n\nUse our site with advertising and tracking in the usual "
    "way, and consent to the use of your data. Or take out the Pure subscription, without tracking, for €3.99 "
    "a month.",
    "This website uses cookies to make sure you get the best experience. By continuing to use it you agree to "
    "our privacy policy.\n\nGot it!",
    "Manage your cookie settings\n\nStrictly necessary cookies are always on. You can choose whether to allow "
    "the others.\n\nAnalytics\nAdvertising\nSocial media\n\nSave my settings",
    "<div id='consent'><p>Your privacy matters to us.</p><p>To show you this page we ask for your consent to "
    "our use of cookies. You can change your mind at any time in the "
    "settings.</p><button>Accept</button><button>Decline</button></div>",
)
BROWSERS = (
    "You need to enable JavaScript to run this app.",
    "JavaScript is not available.\n\nWe've detected that JavaScript is disabled in this browser. Please enable "
    "JavaScript or switch to a supported browser to continue using this site.",
    "It looks like you're using an ad blocker.\n\nAdvertising pays for our reporting. Please support us by "
    "turning off your ad blocker for this site, then reload the page.",
    "Your browser is out of date. To get the best from our site, please update it or use another one.",
    "Please confirm your age\n\nThis page has content that is not suitable for everybody. You must be 18 or "
    "over to enter.\n\nI am over 18\nLeave",
    "<html><head><title>Marlow Herald</title></head><body><noscript><p>Please turn on JavaScript in your "
    "browser to read the Marlow Herald.</p></noscript><div id='root'></div></body></html>",
)
# Written after the rule.
MORE = (
    "Want to read more?\n\nSubscribers can read this story and thousands of others. A subscription costs less "
    "than a cup of coffee a week.\n\nView offers\n\nSubscriber? Sign in here",
    "Continue with a free account\n\nYou can read one more article today. Sign up with your e-mail address and "
    "we will unlock it for you.",
    "The Rundvik Post is read by those who want to understand the coast. Join them.\n\n12 months for $40\nSave "
    "60%\n\nSubscribe\n\nYour card will be charged every year until you cancel.",
    "This is a premium article\n\nLog in or subscribe to unlock it",
    "<section><h2>Support our reporting</h2><p>To read this article, please disable your ad blocker or become "
    "a supporter.</p><p>Supporters see no advertising.</p></section>",
    "Please verify your e-mail address before you go on. We have sent you a message with a link. Did not get "
    "it? Resend",
    "Incorrect user name or password. Please try again. After five attempts your account will be locked for an hour.",
    "Single sign-on\n\nYou are being redirected to your organisation's login page. If nothing happens, click here.",
    "Members' area\nUser ID:\nPassword:\nSubmit\nLost your password?",
    "Attention Required!\n\nPlease complete the captcha to prove that you are a real person.",
    "We need to make sure that you are not a robot. Select all images with traffic lights. If there are none, "
    "click skip.",
    "Request blocked. We can't connect to the server for this app or website at this time. There might be too "
    "much traffic or a configuration error. Try again later, or contact the app or website owner.\n\nRequest "
    "ID: bQ2x",
    "Your IP address has been temporarily blocked because of many requests. If you think that this is a "
    "mistake, write to support with the code below.",
    "This page does not exist\n\nYou followed a link that is broken, or typed the address wrongly. Go to the "
    "front page",
    "File not found (404 error)\n\nIf you think what you are looking for should be here, please contact the "
    "site owner.",
    "Article not found\n\nThe article may have expired. Articles are kept on our website for 90 days.\n\nGo to news",
    "Sorry, this content has been deleted by its author.",
    "500 Internal Server Error\n\nThe server encountered an internal error and was unable to complete your request.",
    "Service Unavailable\n\nThe server is temporarily unable to service your request due to maintenance "
    "downtime or capacity problems. Please try again later.",
    "Unfortunately, our website is currently unavailable in most European countries. We are engaged on the "
    "issue and committed to looking at options that support our full range of digital offerings to your market.",
    "This video is not available in your country. Watch something else instead.",
    "Cookies on our site\n\nSome cookies are needed for the site to work. We would like to set others to "
    "understand how you use it. Is that OK?\n\nYes\nNo, take me to settings",
    "Your consent, your choice. We ask you to agree to the storage of information on your device by us and 214 "
    "third parties.\n\nI agree\nRefuse",
    "This site requires JavaScript. Follow these instructions to switch it on in your web browser.",
    "Please enter your date of birth to continue. You must be of legal drinking age in your country to visit "
    "this site.",
)
PAGES = (*PAYWALLS, *LOG_INS, *ROBOT_CHECKS, *LOST_PAGES, *ERRORS, *CONSENT, *BROWSERS, *MORE)
