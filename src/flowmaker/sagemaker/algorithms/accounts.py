"""Whose ECR registries hold the built-in algorithms: one AWS account per region and repository."""

from collections.abc import Mapping

#: Those whose images are in the same accounts: the algorithms that Amazon wrote itself.
_AMAZON_S_OWN = (
    "kmeans",
    "pca",
    "knn",
    "linear-learner",
    "randomcutforest",
    "factorization-machines",
)
REPOSITORIES = (("xgboost",), ("sagemaker-xgboost",), _AMAZON_S_OWN)

#: Region, and the account of each of REPOSITORIES in it; `-` where AWS does not offer it.
_TABLE = """
af-south-1      455444449433  510948584623  455444449433
ap-east-1       286214385809  651117190479  286214385809
ap-northeast-1  501404015308  354813040037  351501993468
ap-northeast-2  306986355934  366743142698  835164637446
ap-northeast-3  867004704886  867004704886  867004704886
ap-south-1      991648021394  720646828776  991648021394
ap-south-2      628508329040  628508329040  628508329040
ap-southeast-1  475088953585  121021644041  475088953585
ap-southeast-2  544295431143  783357654285  712309505854
ap-southeast-3  951798379941  951798379941  951798379941
ap-southeast-4  106583098589  106583098589  106583098589
ca-central-1    469771592824  341280168497  469771592824
ca-west-1       -             190319476487  190319476487
cn-north-1      390948362332  450853457545  390948362332
cn-northwest-1  387376663083  451049120500  387376663083
eu-central-1    813361260812  492215442770  664544806723
eu-central-2    680994064768  680994064768  680994064768
eu-north-1      669576153137  662702820516  669576153137
eu-south-1      257386234256  978288397137  257386234256
eu-south-2      104374241257  104374241257  104374241257
eu-west-1       685385470294  141502667606  438346466558
eu-west-2       644912444149  764974769150  644912444149
eu-west-3       749696950732  659782779980  749696950732
il-central-1    -             898809789911  898809789911
me-central-1    272398656194  272398656194  272398656194
me-south-1      249704162688  801668240914  249704162688
sa-east-1       855470959533  737474898029  855470959533
us-east-1       811284229777  683313688378  382416733822
us-east-2       825641698319  257758044811  404615174143
us-gov-east-1   237065988967  237065988967  237065988967
us-gov-west-1   226302683700  414596584902  226302683700
us-iso-east-1   490574956308  833128469047  490574956308
us-isob-east-1  765400339828  281123927165  765400339828
us-isof-east-1  -             108575199400  108575199400
us-isof-south-1 -             124985052026  124985052026
us-west-1       632365934929  746614075791  632365934929
us-west-2       433757028032  246618743249  174872318107
"""

#: ECR's domain in the partitions that have one of their own.
_DOMAINS = {
    "cn-": "amazonaws.com.cn",
    "us-iso-": "c2s.ic.gov",
    "us-isob-": "sc2s.sgov.gov",
    "us-isof-": "csp.hci.ic.gov",
}


def _accounts() -> dict[tuple[str, str], str]:
    rows = (line.split() for line in _TABLE.split("\n") if line)
    return {
        (region, repository): account
        for region, *accounts in rows
        for repositories, account in zip(REPOSITORIES, accounts, strict=True)
        for repository in repositories
        if account != "-"
    }


#: (region, repository) to account.
ACCOUNTS: Mapping[tuple[str, str], str] = _accounts()


def domain(region: str) -> str:
    """The domain that ECR's host names end with in a region."""
    found = (name for prefix, name in _DOMAINS.items() if region.startswith(prefix))
    return next(found, "amazonaws.com")
