"""The works that this library implements, as BibTeX."""

WORKS = {
    "vandenberg2016": """@article{vandenberg2016insights,
  title  = {Some Insights into the Geometry and Training of Neural Networks},
  author = {van den Berg, Ewout},
  journal = {arXiv preprint arXiv:1605.00329},
  year   = {2016}
}""",
    "zhang2018": """@inproceedings{zhang2018tropical,
  title  = {Tropical Geometry of Deep Neural Networks},
  author = {Zhang, Liwen and Naitzat, Gregory and Lim, Lek-Heng},
  booktitle = {Proceedings of the 35th International Conference on Machine Learning},
  year   = {2018}
}""",
    "montufar2014": """@inproceedings{montufar2014number,
  title  = {On the Number of Linear Regions of Deep Neural Networks},
  author = {Mont{\\'u}far, Guido and Pascanu, Razvan and Cho, Kyunghyun and Bengio, Yoshua},
  booktitle = {Advances in Neural Information Processing Systems},
  year   = {2014}
}""",
    "serra2018": """@inproceedings{serra2018bounding,
  title  = {Bounding and Counting Linear Regions of Deep Neural Networks},
  author = {Serra, Thiago and Tjandraatmadja, Christian and Ramalingam, Srikumar},
  booktitle = {Proceedings of the 35th International Conference on Machine Learning},
  year   = {2018}
}""",
    "hanin2019": """@inproceedings{hanin2019complexity,
  title  = {Complexity of Linear Regions in Deep Networks},
  author = {Hanin, Boris and Rolnick, David},
  booktitle = {Proceedings of the 36th International Conference on Machine Learning},
  year   = {2019}
}""",
    "dobkin1993": """@article{dobkin1993efficient,
  title   = {An Efficient Algorithm for Finding the {CSG} Representation of a Simple Polygon},
  author  = {Dobkin, David and Guibas, Leonidas and Hershberger, John and Snoeyink, Jack},
  journal = {Algorithmica},
  volume  = {10},
  pages   = {1--23},
  year    = {1993}
}""",
    "clarkson1994": """@inproceedings{clarkson1994more,
  title  = {More Output-Sensitive Geometric Algorithms},
  author = {Clarkson, Kenneth L.},
  booktitle = {Proceedings of the 35th Annual Symposium on Foundations of Computer Science},
  year   = {1994}
}""",
    "chao1984": """@article{chao1984nonparametric,
  title  = {Nonparametric Estimation of the Number of Classes in a Population},
  author = {Chao, Anne},
  journal = {Scandinavian Journal of Statistics},
  volume = {11},
  year   = {1984}
}""",
    "jordan2019": """@inproceedings{jordan2019provable,
  title  = {Provable Certificates for Adversarial Examples: Fitting a Ball in the Union of Polytopes},
  author = {Jordan, Matt and Lewis, Justin and Dimakis, Alexandros G.},
  booktitle = {Advances in Neural Information Processing Systems},
  year   = {2019}
}""",
    "wong2018": """@inproceedings{wong2018provable,
  title  = {Provable Defenses against Adversarial Examples via the Convex Outer Adversarial Polytope},
  author = {Wong, Eric and Kolter, J. Zico},
  booktitle = {Proceedings of the 35th International Conference on Machine Learning},
  year   = {2018}
}""",
    "moosavi2016": """@inproceedings{moosavi2016deepfool,
  title  = {{DeepFool}: A Simple and Accurate Method to Fool Deep Neural Networks},
  author = {Moosavi-Dezfooli, Seyed-Mohsen and Fawzi, Alhussein and Frossard, Pascal},
  booktitle = {Proceedings of the IEEE Conference on Computer Vision and Pattern Recognition},
  year   = {2016}
}""",
    "kish1965": r"""@book{kish1965survey,
  title  = {Survey Sampling},
  author = {Kish, Leslie},
  publisher = {John Wiley \& Sons},
  year   = {1965}
}""",
    "goodfellow2015": """@article{goodfellow2015efficient,
  title   = {Efficient Per-Example Gradient Computations},
  author  = {Goodfellow, Ian},
  journal = {arXiv preprint arXiv:1510.01799},
  year    = {2015}
}""",
    "bu2022": """@inproceedings{bu2022scalable,
  title  = {Scalable and Efficient Training of Large Convolutional Neural Networks with Differential Privacy},
  author = {Bu, Zhiqi and Mao, Jialin and Xu, Shiyun},
  booktitle = {Advances in Neural Information Processing Systems},
  year   = {2022}
}""",
    "lorenz1905": """@article{lorenz1905methods,
  title   = {Methods of Measuring the Concentration of Wealth},
  author  = {Lorenz, Max O.},
  journal = {Publications of the American Statistical Association},
  volume  = {9},
  year    = {1905}
}""",
    "zaslavsky1975": """@book{zaslavsky1975facing,
  title  = {Facing up to Arrangements: Face-Count Formulas for Partitions of Space by Hyperplanes},
  author = {Zaslavsky, Thomas},
  series = {Memoirs of the American Mathematical Society},
  number = {154},
  year   = {1975}
}""",
    "mishkin2016": """@inproceedings{mishkin2016all,
  title  = {All You Need is a Good Init},
  author = {Mishkin, Dmytro and Matas, Ji{\\v{r}}{\\'\\i}},
  booktitle = {International Conference on Learning Representations},
  year   = {2016}
}""",
    "guo2017": """@inproceedings{guo2017calibration,
  title     = {On Calibration of Modern Neural Networks},
  author    = {Guo, Chuan and Pleiss, Geoff and Sun, Yu and Weinberger, Kilian Q.},
  booktitle = {Proceedings of the 34th International Conference on Machine Learning},
  year      = {2017}
}""",
}


def bibtex(*keys: str) -> str:
    """Join the entries of the named works.

    Args:
        *keys: keys of :data:`WORKS`.

    Returns:
        BibTeX text.
    """
    return "\n\n".join(WORKS[key] for key in keys)
